#include "backup/backend/http_client.h"

#include "backup/backend/http_transfer.h"

#include <curl/curl.h>

namespace belay::backup {
namespace {

constexpr uint64_t kibibyte = 1 << 10;

}  // namespace

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)),
      uploads_(options_.upload_limit * kibibyte),
      downloads_(options_.download_limit * kibibyte)
{
}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpTransfer> HttpClient::take()
{
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            // The last one that was used: the others may rest until the server closes them.
            std::unique_ptr<HttpTransfer> connection = std::move(idle_.back());
            idle_.pop_back();
            return connection;
        }
    }
    return std::make_unique<HttpTransfer>();
}

void HttpClient::give_back(std::unique_ptr<HttpTransfer> connection)
{
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
}

Result<HttpAnswer> HttpClient::send(const HttpRequest& request)
{
    std::unique_ptr<HttpTransfer> connection = take();
    connection->prepare(options_, request, uploads_, downloads_);
    Result<HttpAnswer> answer = connection->finish(::curl_easy_perform(connection->easy()), has_answered_);
    if (answer) give_back(std::move(connection));
    return answer;
}

}  // namespace belay::backup
