/*
 * C++ as one would write it anywhere: an exception thrown and caught, thread_local, containers and a thread that is
 * joined. Counts the words of its input. No exception may leave the four exported functions: they are C.
 */
#include <faas/worker_v1_interface.h>

#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

/* Each thread has its own: a slot of the function, and every thread it starts. */
thread_local std::size_t words_seen_by_this_thread = 0;

class WordCounter
{
  public:
    WordCounter(void *context, faas_append_output_fn_t append) : context_(context), append_(append)
    {
    }

    void run(const std::string &text) const
    {
        const std::vector<std::string> words = split(text);
        std::map<std::string, int> counts;
        std::size_t seen_by_helper = 0;
        words_seen_by_this_thread = 0;

        std::thread helper([&] {
            for (const std::string &word : words) {
                counts[word]++;
                words_seen_by_this_thread++;
            }
            seen_by_helper = words_seen_by_this_thread;
        });
        helper.join();
        report(counts, seen_by_helper);
    }

    void append(const std::string &text) const
    {
        append_(context_, text.data(), text.size());
    }

  private:
    static std::vector<std::string> split(const std::string &text)
    {
        std::istringstream in(text);
        std::vector<std::string> words;

        for (std::string word; in >> word;)
            words.push_back(word);
        if (words.empty())
            throw std::invalid_argument("no words in the input");
        return words;
    }

    void report(const std::map<std::string, int> &counts, std::size_t seen_by_helper) const
    {
        std::ostringstream out;

        for (const auto &entry : counts)
            out << entry.first << "=" << entry.second << " ";
        out << "(counted by the helper thread: " << seen_by_helper << ", by this thread: " << words_seen_by_this_thread
            << ")\n";
        append(out.str());
    }

    void *context_;
    faas_append_output_fn_t append_;
};

} // namespace

int faas_init()
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t, faas_append_output_fn_t append_output_fn,
                            void **worker_handle)
try {
    *worker_handle = std::make_unique<WordCounter>(caller_context, append_output_fn).release();
    return 0;
} catch (...) {
    return -1;
}

int faas_destroy_func_worker(void *worker_handle)
{
    delete static_cast<WordCounter *>(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
try {
    const auto *counter = static_cast<const WordCounter *>(worker_handle);

    try {
        counter->run(std::string(input, input_length));
    } catch (const std::invalid_argument &problem) {
        counter->append(std::string("caught: ") + problem.what() + "\n");
    }
    return 0;
} catch (...) {
    return 1;
}
