// As clients of Thrift do: a generated client writes to a transport whose virtual flush makes the call.
#define OWN_ENTRIES
#include "program.h"

class Transport
{
  public:
    virtual ~Transport() = default;
    virtual void write(const char *data, size_t size) = 0;
    virtual int flush() = 0;
    virtual size_t read(char *data, size_t size) = 0;
};

class FaasTransport : public Transport
{
  public:
    FaasTransport(void *context, faas_invoke_func_fn_t invoke, const char *callee)
        : context_(context), invoke_(invoke), callee_(callee)
    {
    }

    void write(const char *data, size_t size) override
    {
        if (used_ + size <= sizeof buffer_) {
            memcpy(buffer_ + used_, data, size);
            used_ += size;
        }
    }

    int flush() override
    {
        // SITE user-timeline-service; input=heap; length=unknown; output=copied; weaker=all
        int failed = invoke_(context_, callee_, buffer_, used_, &out_, &out_size_);
        used_ = 0;
        return failed;
    }

    size_t read(char *data, size_t size) override
    {
        size = size < out_size_ ? size : out_size_;
        memcpy(data, out_, size);
        return size;
    }

  private:
    void *context_;
    faas_invoke_func_fn_t invoke_;
    const char *callee_;
    const char *out_ = nullptr;
    size_t out_size_ = 0;
    size_t used_ = 0;
    char buffer_[512];
};

class TimelineClient
{
  public:
    explicit TimelineClient(Transport *transport) : transport_(transport)
    {
    }

    long readTimeline(long user)
    {
        long answer = 0;

        transport_->write("read", 4);
        transport_->write(reinterpret_cast<const char *>(&user), sizeof user);
        if (transport_->flush())
            return -1;
        transport_->read(reinterpret_cast<char *>(&answer), sizeof answer);
        return answer;
    }

  private:
    Transport *transport_;
};

struct Worker {
    Transport *transport;
    TimelineClient *client;
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    Transport *transport = new FaasTransport(c, i, "user-timeline-service");

    *handle = new Worker{transport, new TimelineClient(transport)};
    return 0;
}

int faas_func_call(void *handle, const char *, size_t length)
{
    return static_cast<Worker *>(handle)->client->readTimeline(static_cast<long>(length)) < 0;
}
