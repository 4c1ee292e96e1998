/* What each user has posted: {"user": "ada"} is answered with the latest posts, {"user": "ada", "post": "ID"} adds one.
 */
#include "../lib/timeline.hpp"

namespace
{

class user_timeline : public social::timeline
{
  public:
    user_timeline() : timeline("user-timeline")
    {
    }

  private:
    social::json serve(const cJSON *in) override
    {
        const std::string user = social::name_of(in, "user");

        if (!social::find(in, "post"))
            return read(user);
        table->push(user, social::text_of(in, "post", 64));
        return social::object();
    }
};

} // namespace

NIGHTWARD_FUNCTION(user_timeline)
