/*
 * Posts: {"user": "ada", "text": "hi @bob, see http://example.com/a"} is answered with the post as it is kept: its id,
 * its text with short URLs, who is mentioned. It is in the timelines when this has answered.
 */
#include "../lib/service.hpp"

#include <ctime>

namespace
{

class compose : public social::service
{
    social::json serve(const cJSON *in) override
    {
        const std::string user = social::name_of(in, "user");
        social::json post = read_text(social::text_of(in, "text", SOCIAL_TEXT_MAX));

        social::set(post, "user", user);
        social::set(post, "time", social::made(cJSON_CreateNumber(static_cast<double>(time(nullptr)))));
        social::set(post, "id", new_id());
        keep(post);
        add_to_own(user, post);
        bring_home(user, post);
        return post;
    }

    social::json read_text(const std::string &text)
    {
        const social::json in = social::object();

        social::set(in, "text", text);
        return ask("social-text", in);
    }

    std::string new_id()
    {
        const social::json answer = ask("social-id", social::object());

        return social::text_of(answer.get(), "id", 64);
    }

    void keep(const social::json &post)
    {
        const social::json in = social::object();

        social::set(in, "store", social::copy(post.get()));
        ask("social-posts", in);
    }

    void add_to_own(const std::string &user, const social::json &post)
    {
        const social::json in = social::object();

        social::set(in, "user", user);
        social::set(in, "post", social::copy(social::find(post.get(), "id")));
        ask("social-user-timeline", in);
    }

    void bring_home(const std::string &author, const social::json &post)
    {
        const social::json in = social::object();

        social::set(in, "author", author);
        social::set(in, "post", social::copy(social::find(post.get(), "id")));
        social::set(in, "mentions", social::copy(social::find(post.get(), "mentions")));
        ask("social-home-timeline", in);
    }
};

} // namespace

NIGHTWARD_FUNCTION(compose)
