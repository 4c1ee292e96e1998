/* See shim.h: the one place where C meets Google Benchmark. */
#include "bench/micro/shim.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

struct nw_bench {
    benchmark::State &state;
    std::vector<double> means;   /* nanoseconds of one operation, a mean for each batch */
    std::vector<double> singles; /* nanoseconds of single operations */
    double operations = 0;
};

namespace
{

double percentile(const std::vector<double> &sorted, double fraction)
{
    return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, std::size_t(fraction * double(sorted.size())))];
}

void run_one(benchmark::State &state, void (*run)(nw_bench *, long), long argument)
{
    nw_bench bench{state, {}, {}, 0};

    run(&bench, argument);
    std::sort(bench.means.begin(), bench.means.end());
    std::sort(bench.singles.begin(), bench.singles.end());
    const std::vector<double> &middle = bench.means.empty() ? bench.singles : bench.means;
    const std::vector<double> &tail = bench.singles.empty() ? bench.means : bench.singles;
    state.counters["p50"] = percentile(middle, 0.5);
    state.counters["p99"] = percentile(tail, 0.99);
    state.counters["p999"] = percentile(tail, 0.999);
    state.counters["n"] = bench.operations;
}

/* A line in the results for each repetition; the summary is made from these. Only failures are printed. */
class Reporter : public benchmark::BenchmarkReporter
{
  public:
    explicit Reporter(FILE *results) : results_(results)
    {
    }

    bool ReportContext(const Context &) override
    {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (const Run &run : runs) {
            if (run.error_occurred) {
                failed_ = true;
                std::fprintf(stderr, "%s: %s\n", run.run_name.function_name.c_str(), run.error_message.c_str());
            } else if (run.run_type == Run::RT_Iteration) {
                write(run.run_name.function_name, run.counters);
            }
        }
    }

    bool failed() const
    {
        return failed_;
    }

  private:
    void write(const std::string &name, const benchmark::UserCounters &counters)
    {
        std::fprintf(results_, "%s\tns\t%.1f\t%.1f\t%.1f\t%.0f\n", name.c_str(), counters.at("p50").value,
                     counters.at("p99").value, counters.at("p999").value, counters.at("n").value);
    }

    FILE *results_;
    bool failed_ = false;
};

} // namespace

extern "C" void nw__bench_register(const char *name, void (*run)(struct nw_bench *bench, long argument), long argument)
{
    benchmark::RegisterBenchmark(name, [=](benchmark::State &state) {
        run_one(state, run, argument);
    })->UseManualTime();
}

extern "C" bool nw__bench_next(struct nw_bench *bench)
{
    return bench->state.KeepRunning();
}

extern "C" void nw__bench_batch(struct nw_bench *bench, uint64_t nanoseconds, uint64_t operations)
{
    bench->state.SetIterationTime(double(nanoseconds) * 1e-9);
    bench->means.push_back(double(nanoseconds) / double(operations));
    bench->operations += double(operations);
}

extern "C" void nw__bench_samples(struct nw_bench *bench, uint64_t nanoseconds, const float *means, size_t n_means,
                                  const float *singles, size_t n_singles)
{
    bench->state.SetIterationTime(double(nanoseconds) * 1e-9);
    bench->means.insert(bench->means.end(), means, means + n_means);
    bench->singles.insert(bench->singles.end(), singles, singles + n_singles);
    bench->operations += double(n_singles);
}

extern "C" void nw__bench_fail(struct nw_bench *bench, const char *why)
{
    bench->state.SkipWithError(why);
}

extern "C" int nw__bench_run(int argc, char **argv, const char *results)
{
    FILE *file = std::fopen(results, "a");

    if (!file) {
        std::perror(results);
        return 1;
    }
    benchmark::Initialize(&argc, argv);
    Reporter reporter(file);
    benchmark::RunSpecifiedBenchmarks(&reporter);
    return std::fclose(file) || reporter.failed() ? 1 : 0;
}
