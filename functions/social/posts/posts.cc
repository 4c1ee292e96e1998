/*
 * The posts: {"store": {"id": "..", ..}} keeps one, {"read": ["ID"]} is answered with those that there are, in this
 * order.
 */
#include "../lib/service.hpp"
#include "../lib/store.hpp"

namespace
{

constexpr std::size_t id_most = 64;
constexpr std::size_t post_most = 32768;

class posts : public social::service
{
    social::json serve(const cJSON *in) override
    {
        if (const cJSON *post = social::find(in, "store"))
            return keep(post);
        return read(social::find(in, "read"));
    }

    social::json keep(const cJSON *post)
    {
        const std::string id = social::text_of(post, "id", id_most), text = social::print(post);
        social::json answer = social::object();

        if (text.size() > post_most)
            throw nightward::error(400, "a post has 32768 bytes at most");
        table->put(id, text);
        social::set(answer, "stored", id);
        return answer;
    }

    social::json read(const cJSON *ids)
    {
        social::json answer = social::array();
        const cJSON *id;

        if (!cJSON_IsArray(ids))
            throw nightward::error(400, "store has to be a post, or read a list of ids");
        cJSON_ArrayForEach(id, ids)
        {
            social::json post = social::parse(cJSON_IsString(id) ? table->get(id->valuestring) : "");
            if (post)
                social::add(answer, std::move(post));
        }
        return answer;
    }

    const std::unique_ptr<social::store> table{social::new_store("posts")};
};

} // namespace

NIGHTWARD_FUNCTION(posts)
