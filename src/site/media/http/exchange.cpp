#include "site/media/http/exchange.h"

#include <sys/socket.h>

namespace belay::media {
namespace {

/// A job is begun for so much, or for all that there is.
constexpr size_t worth_a_job = 128 << 10;
/// A client that sends faster than the disk writes waits.
constexpr size_t most_pending = 1 << 20;
/// Of a body that is refused, so much is read before the client, who does not listen while it sends, is cut.
constexpr uint64_t most_thrown_away = 256 << 20;
constexpr size_t most_waiting_passwords = 1'000;
/// A record of TLS has 16 KiB.
constexpr size_t sent_at_once = 64 << 10;

void free_exchange(void* shared)
{
    delete static_cast<std::shared_ptr<Exchange>*>(shared);
}

ssize_t read_exchange(void* shared, uint64_t position, char* room, size_t size)
{
    return (*static_cast<std::shared_ptr<Exchange>*>(shared))->send(position, room, size);
}

int socket_of(MHD_Connection* connection)
{
    const MHD_ConnectionInfo* const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == nullptr ? -1 : info->connect_fd;
}

}  // namespace

Exchange::Exchange(HttpServer& server, MHD_Connection* connection, Request request)
    : server_(server), connection_(connection), socket_(socket_of(connection)), request_(std::move(request))
{
    ++server_.under_way_;
}

Exchange::~Exchange()
{
    --server_.under_way_;
}

bool Exchange::rest(Jobs& jobs, void (Exchange::*job)())
{
    if (server_.is_stopping_) return false;
    rests_ = true;
    MHD_suspend_connection(connection_);
    jobs.run([self = shared_from_this(), job] { (self.get()->*job)(); });
    return true;
}

void Exchange::resume()
{
    if (std::exchange(rests_, false)) MHD_resume_connection(connection_);
}

MHD_Result Exchange::step(const char* bytes, size_t* size)
{
    const std::lock_guard lock(mutex_);
    if (*size > 0) {
        const MHD_Result taken = take({bytes, *size});
        *size = 0;
        return taken;
    }
    switch (stage_) {
        case Stage::head: {
            stage_ = Stage::begun;
            const bool is_slow = server_.handler_.is_slow(request_);
            if (is_slow && server_.slow_.waiting() > most_waiting_passwords) return MHD_NO;
            return rest(is_slow ? server_.slow_ : server_.quick_, &Exchange::begin) ? MHD_YES : MHD_NO;
        }
        case Stage::begun: {
            if (!answer_ || !answer_->is_for_stranger) {
                const auto idle = static_cast<unsigned>(server_.options_.client_may_idle.count());
                MHD_set_connection_option(connection_, MHD_CONNECTION_OPTION_TIMEOUT, idle);
            }
            // An answer that is given in this call is the connection's last: the library would not know where
            // the next request begins.
            const bool at_once =
                request_.has_body && answer_ && (answer_->is_for_stranger || request_.awaits_word);
            stage_ = at_once ? Stage::whole : Stage::body;
            return at_once ? answer() : MHD_YES;
        }
        case Stage::body:
            stage_ = Stage::whole;
            break;
        case Stage::whole:
            break;
    }
    if (answer_) return answer();
    if (!body_) return MHD_NO;
    // A job that writes already sees that it is whole.
    if (is_written_) {
        rests_ = true;
        MHD_suspend_connection(connection_);
        return MHD_YES;
    }
    is_written_ = true;
    return rest(server_.quick_, &Exchange::write) ? MHD_YES : MHD_NO;
}

/// The library (0.9.75) takes what is shorter than its room for the last that has come, and so misses the end
/// of a connection that came with it. With TLS it does not.
bool Exchange::is_cut() const
{
    if (server_.has_tls() || !request_.length || received_ >= *request_.length) return false;
    char next = 0;
    return ::recv(socket_, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

MHD_Result Exchange::take(std::string_view bytes)
{
    received_ += bytes.size();
    if (is_cut()) return MHD_NO;
    if (answer_ || !body_) {
        thrown_away_ += bytes.size();
        return thrown_away_ > most_thrown_away ? MHD_NO : MHD_YES;
    }
    pending_.append(bytes);
    if (!is_written_ && pending_.size() >= worth_a_job) {
        if (server_.is_stopping_) return MHD_NO;
        is_written_ = true;
        server_.quick_.run([self = shared_from_this()] { self->write(); });
    } else if (pending_.size() >= most_pending) {
        // It is being written: that job lets it go on.
        rests_ = true;
        MHD_suspend_connection(connection_);
    }
    return MHD_YES;
}

void Exchange::begin()
{
    Begun begun = server_.handler_.begin(request_);
    if (auto* const awaited = std::get_if<std::unique_ptr<Awaited>>(&begun)) {
        awaited_ = std::move(*awaited);
        return await();
    }
    const std::lock_guard lock(mutex_);
    if (auto* const body = std::get_if<std::unique_ptr<Body>>(&begun))
        body_ = std::move(*body);
    else
        answer_ = std::move(std::get<Answer>(begun));
    resume();
}

void Exchange::await()
{
    awaited_->wake(socket_,
                   [self = shared_from_this()] { self->server_.quick_.run([self] { self->look(); }); });
}

void Exchange::look()
{
    std::optional<Answer> found = awaited_->look();
    if (!found) return await();
    awaited_.reset();
    const std::lock_guard lock(mutex_);
    answer_ = std::move(found);
    resume();
}

void Exchange::write()
{
    std::unique_lock lock(mutex_);
    std::string bytes;
    while (!is_gone_ && !answer_) {
        if (pending_.empty() && stage_ != Stage::whole) break;
        if (pending_.empty()) {
            lock.unlock();
            Answer answer = body_->finish();
            lock.lock();
            answer_ = std::move(answer);
            break;
        }
        bytes.clear();
        std::swap(bytes, pending_);
        // What has come meanwhile may be taken again.
        if (stage_ != Stage::whole) resume();
        lock.unlock();
        std::optional<Answer> problem = body_->add(bytes);
        lock.lock();
        if (problem) answer_ = std::move(problem);
    }
    is_written_ = false;
    // Removing what will not be kept may wait for the disk, as it may here.
    std::unique_ptr<Body> done;
    if (is_gone_ || answer_) done = std::move(body_);
    resume();
    lock.unlock();
}

MHD_Result Exchange::answer()
{
    Answer answer = std::move(*answer_);
    answer_.reset();
    MHD_Response* response = nullptr;
    if (answer.stream) {
        stream_ = std::move(answer.stream);
        response = MHD_create_response_from_callback(
            answer.length.value_or(MHD_SIZE_UNKNOWN), sent_at_once, read_exchange,
            new std::shared_ptr<Exchange>(shared_from_this()), free_exchange);
    } else {
        response =
            MHD_create_response_from_buffer(answer.text.size(), answer.text.data(), MHD_RESPMEM_MUST_COPY);
    }
    if (response == nullptr) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type.c_str());
    for (const auto& [name, value] : answer.headers)
        MHD_add_response_header(response, name.c_str(), value.c_str());
    if (server_.is_ending_) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    const MHD_Result queued = MHD_queue_response(connection_, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

ssize_t Exchange::send(uint64_t position, char* room, size_t size)
{
    const std::lock_guard lock(mutex_);
    if (problem_) {
        server_.log_.standard(fmt::format("cannot send {}: {}", request_.path, problem_->what));
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    const Result<std::optional<size_t>> taken = stream_->take(position, {room, size});
    if (!taken) {
        server_.log_.standard(fmt::format("cannot send {}: {}", request_.path, taken.error().what));
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (!*taken) return MHD_CONTENT_READER_END_OF_STREAM;
    if (**taken > 0) return static_cast<ssize_t>(**taken);
    wanted_ = position;
    return rest(server_.quick_, &Exchange::prepare) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

void Exchange::prepare()
{
    // Nobody else is at the stream while the connection rests.
    const Result<void> prepared = stream_->prepare(wanted_);
    const std::lock_guard lock(mutex_);
    if (!prepared) problem_ = prepared.error();
    resume();
}

void Exchange::end()
{
    const std::lock_guard lock(mutex_);
    is_gone_ = true;
    // A body that never came whole: to remove what there is of it may wait for the disk.
    if (body_ && !is_written_) server_.quick_.run([body = std::shared_ptr<Body>(std::move(body_))] {});
}

}  // namespace belay::media
