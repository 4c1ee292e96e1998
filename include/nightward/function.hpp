/*
 * Functions in C++ (17): nightward/function.h and the interface of nightcore's worker, as one class with one member to
 * write. What is thrown out of it is logged and answered with 500, and nothing of what it had said so far is sent.
 *
 *     #include <nightward/function.hpp>
 *
 *     struct greet : nightward::function {
 *         void call(const nightward::request &request, nightward::answer &answer) override
 *         {
 *             if (request.method() != "POST")
 *                 throw nightward::error(405, "say who is to be greeted");
 *             answer.type("text/plain");
 *             answer << "Hello, " << request.body() << "!\n";
 *         }
 *     };
 *     NIGHTWARD_FUNCTION(greet)
 *
 * There is one object of the class for each invocation that may run at once; it lives as long as its func worker.
 */
#ifndef NIGHTWARD_FUNCTION_HPP
#define NIGHTWARD_FUNCTION_HPP

#include <cstdio>
#include <exception>
#include <faas/worker_v1_interface.h>
#include <memory>
#include <nightward/function.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nightward
{

/* Thrown by a function: the client gets this status and the text. */
class error : public std::runtime_error
{
  public:
    error(int status, const std::string &text) : std::runtime_error(text), status_(status)
    {
    }

    int status() const noexcept
    {
        return status_;
    }

  private:
    int status_;
};

/* What was asked. The texts stay valid until call() returns. */
class request
{
  public:
    explicit request(std::string_view body) : body_(body)
    {
    }

    std::string_view body() const
    {
        return body_;
    }

    std::string_view method() const
    {
        return nw_request_method ? nw_request_method() : "";
    }

    /* Behind the function's name. */
    std::string_view path() const
    {
        return nw_request_path ? nw_request_path() : "";
    }

    std::string_view query() const
    {
        return nw_request_query ? nw_request_query() : "";
    }

    std::string_view client() const
    {
        return nw_request_client ? nw_request_client() : "";
    }

    std::string_view id() const
    {
        return nw_request_id ? nw_request_id() : "";
    }

    /* The function that calls this one; empty: a client. */
    std::string_view caller() const
    {
        return nw_request_caller ? nw_request_caller() : "";
    }

    std::optional<std::string_view> header(const std::string &name) const
    {
        const char *value = nw_request_header ? nw_request_header(name.c_str()) : nullptr;

        return value ? std::optional<std::string_view>(value) : std::nullopt;
    }

    /* In their order. */
    std::vector<std::pair<std::string_view, std::string_view>> headers() const
    {
        std::vector<std::pair<std::string_view, std::string_view>> all;
        const char *name, *value;

        while (nw_request_header_at && nw_request_header_at(all.size(), &name, &value) == 0)
            all.emplace_back(name, value);
        return all;
    }

    /* Milliseconds until nobody waits any more; -1: not known. */
    long time_left() const
    {
        return nw_time_left ? nw_time_left() : -1;
    }

  private:
    std::string_view body_;
};

/* What is answered, once call() has returned. */
class answer
{
  public:
    answer &status(int code)
    {
        status_ = code;
        return *this;
    }

    answer &header(std::string name, std::string value)
    {
        headers_.emplace_back(std::move(name), std::move(value));
        return *this;
    }

    answer &type(std::string name)
    {
        return header("Content-Type", std::move(name));
    }

    answer &operator<<(std::string_view text)
    {
        body_ += text;
        return *this;
    }

    /* Hands it over. False: it has more headers than an answer may have. */
    bool send(void *context, faas_append_output_fn_t append) const
    {
        bool taken = status_ == 0 || !nw_answer_status || nw_answer_status(status_) == 0;

        for (const auto &[name, value] : headers_)
            taken = taken && (!nw_answer_header || nw_answer_header(name.c_str(), value.c_str()) == 0);
        append(context, body_.data(), body_.size());
        return taken;
    }

  private:
    int status_ = 0;
    std::vector<std::pair<std::string, std::string>> headers_;
    std::string body_;
};

/* What a function derives from. */
class function
{
  public:
    virtual ~function() = default;
    virtual void call(const request &request, answer &answer) = 0;

    /* Runs it; what faas_func_call returns. */
    int run(std::string_view body) noexcept
    try {
        return run_once(body);
    } catch (const std::exception &exception) {
        std::fprintf(stderr, "uncaught exception: %s\n", exception.what());
        return 1;
    } catch (...) {
        std::fprintf(stderr, "uncaught exception of an unknown type\n");
        return 1;
    }

    /* Called once, before the first call. */
    void attach(void *context, faas_invoke_func_fn_t invoke_function, faas_append_output_fn_t append_output) noexcept
    {
        context_ = context;
        invoke_ = invoke_function;
        append_ = append_output;
    }

  protected:
    /* Calls another function. The output stays valid until call() returns. Throws error 502 when that fails. */
    std::string_view invoke(const char *name, std::string_view input)
    {
        const char *output;
        std::size_t length;

        if (invoke_(context_, name, input.data(), input.size(), &output, &length) != 0)
            throw error(502, "the call of " + std::string(name) + " failed");
        return {output, length};
    }

    std::string_view invoke(const std::string &name, std::string_view input)
    {
        return invoke(name.c_str(), input);
    }

  private:
    int run_once(std::string_view body)
    {
        answer said;
        int result = 0;

        try {
            call(request(body), said);
        } catch (const error &thrown) {
            std::fprintf(stderr, "answered %d: %s\n", thrown.status(), thrown.what());
            said = {};
            said.status(thrown.status()) << thrown.what() << "\n";
            result = thrown.status() >= 500;
        }
        if (said.send(context_, append_))
            return result;
        std::fprintf(stderr, "more headers than an answer may have\n");
        nw_answer_status(500);
        return 1;
    }

    void *context_ = nullptr;
    faas_invoke_func_fn_t invoke_ = nullptr;
    faas_append_output_fn_t append_ = nullptr;
};

/* Makes one for a func worker; nullptr: it could not be made, which is logged. */
template <typename T>
function *make(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append) noexcept
try {
    auto made = std::make_unique<T>();

    made->attach(context, invoke, append);
    return made.release();
} catch (const std::exception &exception) {
    std::fprintf(stderr, "cannot make a func worker: %s\n", exception.what());
    return nullptr;
} catch (...) {
    return nullptr;
}

} // namespace nightward

/* The functions that a host looks for, for a class that derives from nightward::function. Once in a shared object. */
#define NIGHTWARD_FUNCTION(type)                                                                 \
    extern "C" int faas_init()                                                                   \
    {                                                                                            \
        return 0;                                                                                \
    }                                                                                            \
    extern "C" int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke,          \
                                           faas_append_output_fn_t append, void **worker_handle) \
    {                                                                                            \
        *worker_handle = ::nightward::make<type>(context, invoke, append);                       \
        return *worker_handle ? 0 : -1;                                                          \
    }                                                                                            \
    extern "C" int faas_destroy_func_worker(void *worker_handle)                                 \
    {                                                                                            \
        delete static_cast<::nightward::function *>(worker_handle);                              \
        return 0;                                                                                \
    }                                                                                            \
    extern "C" int faas_func_call(void *worker_handle, const char *input, size_t input_length)   \
    {                                                                                            \
        return static_cast<::nightward::function *>(worker_handle)->run({input, input_length});  \
    }

#endif
