/*
 * Short URLs: {"shorten": ["http://.."]} is answered [{"short": "..", "url": "http://.."}], {"resolve": SHORT} with
 * {"url": ".."}. The same URL gets the same short one, whoever is asked.
 */
#include "../lib/service.hpp"
#include "../lib/store.hpp"

#include <cstdint>

namespace
{

const std::string prefix = "https://s.example/";

/* FNV-1a, 64 bits. */
std::uint64_t hash(const std::string &text)
{
    std::uint64_t value = 0xcbf29ce484222325;

    for (const unsigned char byte : text)
        value = (value ^ byte) * 0x100000001b3;
    return value;
}

std::string code_of(std::uint64_t number)
{
    std::string code;

    for (; number; number /= 36)
        code += "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
    return code;
}

class urls : public social::service
{
    social::json serve(const cJSON *in) override
    {
        if (social::find(in, "resolve"))
            return resolve(social::text_of(in, "resolve", SOCIAL_URL_MAX));
        return shorten(social::find(in, "shorten"));
    }

    social::json shorten(const cJSON *given)
    {
        social::json answer = social::array();
        const cJSON *one;

        if (!cJSON_IsArray(given))
            throw nightward::error(400, "shorten has to be a list of URLs, or resolve a short URL");
        cJSON_ArrayForEach(one, given)
        {
            const std::string url = cJSON_IsString(one) ? one->valuestring : "";
            if (url.empty() || url.size() > SOCIAL_URL_MAX)
                throw nightward::error(400, "a URL has to be a text of 1 to 500 bytes");
            social::json pair = social::object();
            social::set(pair, "short", prefix + code_for(url));
            social::set(pair, "url", url);
            social::add(answer, std::move(pair));
        }
        return answer;
    }

    /* Two URLs of the same hash get codes that follow one another. */
    std::string code_for(const std::string &url)
    {
        for (std::uint64_t number = hash(url);; number++) {
            std::string code = code_of(number);
            const std::string holder = table->get(code);
            if (holder.empty())
                table->put(code, url);
            if (holder.empty() || holder == url)
                return code;
        }
    }

    social::json resolve(const std::string &given)
    {
        const std::string url = given.rfind(prefix, 0) == 0 ? table->get(given.substr(prefix.size())) : "";
        social::json answer = social::object();

        if (url.empty())
            throw nightward::error(404, "nobody has shortened to this URL");
        social::set(answer, "url", url);
        return answer;
    }

    const std::unique_ptr<social::store> table{social::new_store("urls")};
};

} // namespace

NIGHTWARD_FUNCTION(urls)
