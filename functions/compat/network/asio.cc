// asio: work from several threads and a timer; with a port as input also a line sent to a server there and read back.
#include "functions/compat/compat.h"
#include <asio.hpp>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

int compat_load(void)
{
    return 0;
}

static void work(FILE *out)
{
    asio::io_context context;
    asio::steady_timer timer(context, std::chrono::milliseconds(20));
    std::atomic<int> done{0};
    bool rang = false;

    timer.async_wait([&](const asio::error_code &error) { rang = !error; });
    for (int i = 0; i < 100; i++)
        asio::post(context, [&] { done++; });
    std::thread helper([&] { context.run(); });
    context.run();
    helper.join();
    fprintf(out, "%d done, the timer %s", done.load(), rang ? "rang" : "did not ring");
}

static void talk(const char *port, FILE *out)
{
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    asio::ip::tcp::resolver resolver(context);
    asio::streambuf line;

    resolver.async_resolve("localhost", port, [&](const asio::error_code &error, auto found) {
        if (error)
            throw asio::system_error(error);
        asio::async_connect(socket, found, [&](const asio::error_code &failed, const auto &) {
            if (failed)
                throw asio::system_error(failed);
            asio::write(socket, asio::buffer(std::string("PING\r\n")));
            asio::async_read_until(socket, line, '\n', [](const asio::error_code &, size_t) {});
        });
    });
    context.run();
    fprintf(out, ", heard %.5s", asio::buffer_cast<const char *>(line.data()));
}

int compat_call(const char *input, FILE *out)
{
    try {
        work(out);
        if (*input)
            talk(input, out);
    } catch (const std::exception &e) {
        fprintf(out, "threw: %s", e.what());
    }
    return 0;
}
