/*
 * What those whom a user follows have posted: {"user": "bob"} is answered with the latest posts. {"author": "ada",
 * "post": "ID", "mentions": ["eve"]} brings a post to the followers of its author, whom social-graph knows, and to who
 * is mentioned.
 */
#include "../lib/timeline.hpp"

namespace
{

class home_timeline : public social::timeline
{
  public:
    home_timeline() : timeline("home-timeline")
    {
    }

  private:
    social::json serve(const cJSON *in) override
    {
        if (!social::find(in, "post"))
            return read(social::name_of(in, "user"));
        const std::string post = social::text_of(in, "post", 64);
        bring(post, followers(social::name_of(in, "author")).get());
        bring(post, social::find(in, "mentions"));
        return social::object();
    }

    social::json followers(const std::string &author)
    {
        const social::json in = social::object();

        social::set(in, "followers", author);
        return ask("social-graph", in);
    }

    /* To each of the users. Who is among them twice gets it once. */
    void bring(const std::string &post, const cJSON *users)
    {
        const cJSON *user;

        cJSON_ArrayForEach(user, users)
        {
            if (cJSON_IsString(user) && social_is_name(user->valuestring))
                table->push(user->valuestring, post);
        }
    }
};

} // namespace

NIGHTWARD_FUNCTION(home_timeline)
