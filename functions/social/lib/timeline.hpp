/* What timelines of both kinds have in common: reading the posts of one from social-posts. */
#ifndef SOCIAL_TIMELINE_HPP
#define SOCIAL_TIMELINE_HPP

#include "service.hpp"
#include "store.hpp"

namespace social
{

class timeline : public service
{
  protected:
    explicit timeline(const char *name) : table(new_store(name))
    {
    }

    /* Its latest posts, the latest first. */
    json read(const std::string &user)
    {
        constexpr std::size_t shown = 10;
        const json in = object();
        json ids = array();
        std::size_t n = 0;

        for (const std::string &id : table->list(user))
            if (n++ < shown)
                add(ids, string(id));
        if (n == 0)
            return ids;
        set(in, "read", std::move(ids));
        return ask("social-posts", in);
    }

    const std::unique_ptr<store> table;
};

} // namespace social

#endif
