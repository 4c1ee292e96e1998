/*
 * Where the functions of the social network keep things: a table of values and lists by key, in the memory of the
 * function's domain (memory.cc), which goes with it. It holds as many keys as SOCIAL_KEEP says; the oldest go.
 */
#ifndef SOCIAL_STORE_HPP
#define SOCIAL_STORE_HPP

#include <cstddef>
#include <string>
#include <vector>

namespace social
{

constexpr std::size_t keys_by_default = 4096, list_most = 256;

class store
{
  public:
    virtual ~store() = default;

    virtual void put(const std::string &key, const std::string &value) = 0;
    /* Empty: there is none. */
    virtual std::string get(const std::string &key) = 0;
    /* In front of the list; from where it was, if it was in it. A list holds list_most members: the last ones go. */
    virtual void push(const std::string &key, const std::string &member) = 0;
    virtual void remove(const std::string &key, const std::string &member) = 0;
    virtual std::vector<std::string> list(const std::string &key) = 0;
};

/* For one func worker, which deletes it. A function has one table. A plain pointer: had the compiler to pass a place
 * inside the func worker, callscan would have to fear that its callback is changed there. */
store *new_store(const char *table);

} // namespace social

#endif
