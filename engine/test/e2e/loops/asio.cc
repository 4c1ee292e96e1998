// A function with a loop of asio: a posted task and a timer.
#include "engine/test/e2e/loops/loop.h"
#include <asio.hpp>
#include <chrono>
#include <thread>

extern "C" const char *loop_run(char seen[LOOP_TEXT])
{
    asio::io_context io;
    asio::steady_timer timer(io, std::chrono::milliseconds(5));
    auto guard = asio::make_work_guard(io);

    timer.async_wait([&](const asio::error_code &error) {
        strcat(seen, error ? "!" : "t");
        guard.reset();
    });
    std::thread other([&] { asio::post(io, [&] { strcat(seen, "a"); }); });
    io.run();
    other.join();
    return seen;
}
