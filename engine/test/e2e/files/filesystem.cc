// What a C++ program does with files: each line is an expression of std::filesystem that must not throw. The answer is
// the first that does, with why, or "ok".
#include <cstdlib>
#include <faas/worker_v1_interface.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;

namespace
{

faas_append_output_fn_t append;

void must(bool holds, const char *what)
{
    if (!holds)
        throw std::runtime_error(what);
}

void write(const fs::path &path, const char *text, std::ios::openmode mode)
{
    std::ofstream stream(path, mode);
    stream << text;
    stream.close();
    must(bool(stream), "written");
}

std::string read(const fs::path &path)
{
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void run(const fs::path &d)
{
    fs::remove_all(d);
    must(fs::create_directories(d / "a/b"), "made");
    write(d / "x", "hello\n", std::ios::out);
    write(d / "x", "more\n", std::ios::app);
    must(fs::copy_file(d / "x", d / "y") && read(d / "y") == "hello\nmore\n", "copied");
    fs::copy(d / "x", d / "a" / "z");
    must(fs::file_size(d / "a" / "z") == 11, "size");
    auto then = fs::file_time_type::clock::now() - std::chrono::hours(1);
    fs::last_write_time(d / "x", then);
    must(fs::last_write_time(d / "x") == then, "time");
    must(fs::canonical(d / "a/../x") == d / "x" && fs::weakly_canonical(d / "no/thing") == d / "no/thing", "canonical");
    must(fs::absolute("file") == fs::current_path() / "file", "absolute");
    fs::permissions(d / "x", fs::perms::owner_read);
    must(fs::status(d / "x").permissions() == fs::perms::owner_read, "permissions");
    fs::create_symlink("x", d / "s");
    fs::create_hard_link(d / "x", d / "h");
    must(fs::read_symlink(d / "s") == "x" && fs::hard_link_count(d / "x") == 2 && fs::equivalent(d / "s", d / "h"),
         "links");
    fs::rename(d / "x", d / "w");
    fs::permissions(d / "w", fs::perms::owner_all);
    fs::resize_file(d / "w", 3);
    must(read(d / "h") == "hel" && fs::space(d).capacity > 0, "resized");
    fs::current_path(d);
    must(read("a/z") == "hello\nmore\n", "relative");
    int files = 0;
    for (auto &entry : fs::recursive_directory_iterator("."))
        files += entry.is_regular_file() && !entry.is_symlink();
    must(files == 4 && fs::remove_all(d / "a") == 3, "iterated");
}

} // namespace

extern "C" {

int faas_init()
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t, faas_append_output_fn_t append_fn, void **handle)
{
    append = append_fn;
    *handle = context;
    return 0;
}

int faas_destroy_func_worker(void *)
{
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    std::string answer = "ok";
    try {
        run(std::string(input, length));
    } catch (const std::exception &e) {
        answer = e.what();
    }
    append(handle, answer.data(), answer.size());
    return 0;
}
}
