/*
 * A small service in C++ that speaks HTTP: notes, kept in memory for as long as the function's domain lives.
 *
 *     PUT /name       keeps the body under a name: 201, or 204 when there was one
 *     GET /name       gives it back
 *     DELETE /name    forgets it
 *     GET             their names
 */
#include <nightward/function.hpp>

#include <map>
#include <mutex>
#include <string>

namespace
{

std::mutex lock; /* several func workers of this domain run at once */
std::map<std::string, std::string> notes;

class Notes : public nightward::function
{
  public:
    void call(const nightward::request &request, nightward::answer &answer) override
    {
        const std::lock_guard<std::mutex> guard(lock);
        const std::string name(request.path().substr(request.path().empty() ? 0 : 1));
        const auto note = notes.find(name);

        if (request.method() == "PUT" && !name.empty()) {
            answer.status(note == notes.end() ? 201 : 204);
            notes[name] = request.body();
        } else if (request.method() == "GET" && name.empty()) {
            for (const auto &entry : notes)
                answer << entry.first << "\n";
        } else if (note == notes.end()) {
            throw nightward::error(404, "there is no note " + name);
        } else if (request.method() == "GET" || request.method() == "HEAD") {
            answer << note->second;
        } else if (request.method() == "DELETE") {
            notes.erase(note);
            answer.status(204);
        } else {
            answer.status(405).header("Allow", "GET, HEAD, PUT, DELETE");
        }
    }
};

} // namespace

NIGHTWARD_FUNCTION(Notes)
