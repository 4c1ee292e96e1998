/*
 * Who follows whom: {"user": "bob", "follow": "ada"} and {"user": "bob", "unfollow": "ada"}; {"followers": "ada"} is
 * answered
 * ["bob"], the latest first.
 */
#include "../lib/service.hpp"
#include "../lib/store.hpp"

namespace
{

class graph : public social::service
{
    social::json serve(const cJSON *in) override
    {
        if (social::find(in, "followers"))
            return followers(social::name_of(in, "followers"));
        if (social::find(in, "follow"))
            table->push(social::name_of(in, "follow"), social::name_of(in, "user"));
        else if (social::find(in, "unfollow"))
            table->remove(social::name_of(in, "unfollow"), social::name_of(in, "user"));
        else
            throw nightward::error(400, "say whom user shall follow or unfollow, or whose followers you want");
        return social::object();
    }

    social::json followers(const std::string &name)
    {
        social::json answer = social::array();

        for (const std::string &follower : table->list(name))
            social::add(answer, social::string(follower));
        return answer;
    }

    const std::unique_ptr<social::store> table{social::new_store("graph")};
};

} // namespace

NIGHTWARD_FUNCTION(graph)
