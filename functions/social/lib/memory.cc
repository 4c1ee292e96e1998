/* See store.hpp: a table in memory, which all func workers of a domain share, and the choice of where things are kept.
 */
#include "store.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace
{

struct entry {
    std::string value;
    std::deque<std::string> members;
};

std::mutex lock; /* of all below: several func workers run at once */
std::unordered_map<std::string, entry> table;
std::deque<std::string> keys; /* of the table, the oldest first */

std::size_t keys_most()
{
    const char *given = getenv("SOCIAL_KEEP");
    const std::size_t most = given ? strtoul(given, nullptr, 10) : 0;

    return most ? most : social::keys_by_default;
}

/* Its entry, which is made where there is none. */
entry &enter(const std::string &key)
{
    static const std::size_t most = keys_most();
    const auto [place, is_new] = table.try_emplace(key);

    if (is_new) {
        keys.push_back(key);
        if (keys.size() > most) {
            table.erase(keys.front());
            keys.pop_front();
        }
    }
    return place->second;
}

void take_out(std::deque<std::string> &members, const std::string &member)
{
    members.erase(std::remove(members.begin(), members.end(), member), members.end());
}

class memory_store : public social::store
{
  public:
    void put(const std::string &key, const std::string &value) override
    {
        const std::lock_guard<std::mutex> guard(lock);

        enter(key).value = value;
    }

    std::string get(const std::string &key) override
    {
        const std::lock_guard<std::mutex> guard(lock);
        const auto found = table.find(key);

        return found == table.end() ? "" : found->second.value;
    }

    void push(const std::string &key, const std::string &member) override
    {
        const std::lock_guard<std::mutex> guard(lock);
        std::deque<std::string> &members = enter(key).members;

        take_out(members, member);
        members.push_front(member);
        if (members.size() > social::list_most)
            members.pop_back();
    }

    void remove(const std::string &key, const std::string &member) override
    {
        const std::lock_guard<std::mutex> guard(lock);
        const auto found = table.find(key);

        if (found != table.end())
            take_out(found->second.members, member);
    }

    std::vector<std::string> list(const std::string &key) override
    {
        const std::lock_guard<std::mutex> guard(lock);
        const auto found = table.find(key);

        if (found == table.end())
            return {};
        return {found->second.members.begin(), found->second.members.end()};
    }
};

} // namespace

social::store *social::new_store(const char *)
{
    return new memory_store;
}
