/*
 * A function in C++ that takes JSON and answers with JSON, as service.h is for C: derive from social::service and write
 * serve(). What it throws as nightward::error with a status below 500 is answered {"error": "..", "status": 4xx}, also
 * to a function that calls; with any other exception the invocation fails.
 */
#ifndef SOCIAL_SERVICE_HPP
#define SOCIAL_SERVICE_HPP

#include "names.h"
#include <cjson/cJSON.h>
#include <nightward/function.hpp>

#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace social
{

struct json_deleter {
    void operator()(cJSON *item) const
    {
        cJSON_Delete(item);
    }
};
using json = std::unique_ptr<cJSON, json_deleter>;

/* What cJSON made, or an exception when it had no memory. */
inline json made(cJSON *item)
{
    if (!item)
        throw std::bad_alloc();
    return json(item);
}

inline json object()
{
    return made(cJSON_CreateObject());
}

inline json array()
{
    return made(cJSON_CreateArray());
}

inline json string(const std::string &text)
{
    return made(cJSON_CreateString(text.c_str()));
}

inline void set(const json &object, const char *key, json value)
{
    if (!cJSON_AddItemToObject(object.get(), key, value.get()))
        throw std::bad_alloc();
    static_cast<void>(value.release());
}

inline void set(const json &object, const char *key, const std::string &text)
{
    set(object, key, string(text));
}

inline void add(const json &array, json value)
{
    if (!cJSON_AddItemToArray(array.get(), value.get()))
        throw std::bad_alloc();
    static_cast<void>(value.release());
}

inline json copy(const cJSON *item)
{
    return made(cJSON_Duplicate(item, true));
}

/* nullptr where there is none. */
inline const cJSON *find(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

inline std::string print(const cJSON *item)
{
    const std::unique_ptr<char, decltype(&free)> text(cJSON_PrintUnformatted(item), &free);

    if (!text)
        throw std::bad_alloc();
    return text.get();
}

/* nullptr when it is not one value, and nothing else. */
inline json parse(std::string_view text)
{
    const char *end = nullptr;
    json item(cJSON_ParseWithLengthOpts(text.data(), text.size(), &end, false));

    if (item && text.find_first_not_of(" \t\r\n", static_cast<std::size_t>(end - text.data())) != text.npos)
        return nullptr;
    return item;
}

/* A text of 1 to `most` bytes. */
inline std::string text_of(const cJSON *object, const char *key, std::size_t most)
{
    const cJSON *item = find(object, key);

    if (!cJSON_IsString(item) || !*item->valuestring || std::string_view(item->valuestring).size() > most)
        throw nightward::error(400, std::string(key) + " has to be a text of 1 to " + std::to_string(most) + " bytes");
    return item->valuestring;
}

/* The name of a user. */
inline std::string name_of(const cJSON *object, const char *key)
{
    const cJSON *item = find(object, key);

    if (!cJSON_IsString(item) || !social_is_name(item->valuestring))
        throw nightward::error(400, std::string(key) + " has to be a name of 1 to 32 letters a to z, digits and _");
    return item->valuestring;
}

class service : public nightward::function
{
  public:
    void call(const nightward::request &request, nightward::answer &answer) final
    {
        json out = object();
        int status = 200;

        try {
            const json in = parse(request.body());
            if (!cJSON_IsObject(in.get()))
                throw nightward::error(400, "the input is no JSON object");
            out = serve(in.get());
        } catch (const nightward::error &error) {
            if (error.status() >= 500)
                throw;
            status = error.status();
            set(out, "error", error.what());
            set(out, "status", made(cJSON_CreateNumber(status)));
        }
        answer.status(status).type("application/json") << print(out.get());
    }

  protected:
    virtual json serve(const cJSON *in) = 0;

    /* Calls another function. What it says that its caller did wrong is thrown, and so is a failure (502). */
    json ask(const char *name, const json &in)
    {
        json answer = parse(invoke(name, print(in.get())));
        const cJSON *error = find(answer.get(), "error"), *status = find(answer.get(), "status");

        if (!answer)
            throw nightward::error(502, std::string(name) + " answered with something but JSON");
        if (cJSON_IsString(error) && cJSON_IsNumber(status))
            throw nightward::error(status->valueint, error->valuestring);
        return answer;
    }
};

} // namespace social

#endif
