#include "media_servers.h"

#include "base/digest.h"
#include "host/descriptor.h"
#include "samples.h"

#include <atomic>
#include <curl/curl.h>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <openssl/evp.h>
#include <thread>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr unsigned first_port = 18'400;
constexpr auto patience = std::chrono::seconds(20);

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;

size_t take_into(char* bytes, size_t size, size_t count, void* text)
{
    static_cast<std::string*>(text)->append(bytes, size * count);
    return size * count;
}

Curl connection_to(const BenchServer& server, std::string& answer)
{
    Curl curl(curl_easy_init(), curl_easy_cleanup);
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, server.certificate().c_str());
    curl_easy_setopt(curl.get(), CURLOPT_USERPWD, BenchServer::account);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_into);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl.get(), CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl.get(), CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(curl.get(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    return curl;
}

/// One request; the status.
Result<long> ask(CURL* curl, const std::string& url, const std::string* body)
{
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (body != nullptr) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    }
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return fail(ErrorKind::failed, fmt::format("{}: {}", url, curl_easy_strerror(code)));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

Result<void> write_file(const std::string& path, const std::string& text)
{
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) return fail(ErrorKind::io, fmt::format("cannot write {}", path));
    return {};
}

/// MB/s of `bytes` in `taken`.
double rate(uint64_t bytes, double taken)
{
    return static_cast<double>(bytes) / 1e6 / taken;
}

double clock_now()
{
    return seconds(reading(CLOCK_MONOTONIC));
}

Result<double> write_synced(const std::vector<Pack>& packs, const std::string& folder, unsigned writers)
{
    std::atomic<size_t> next = 0;
    std::atomic<bool> failed = false;
    const double begun = clock_now();
    {
        std::vector<std::jthread> threads;
        for (unsigned writer = 0; writer < writers; ++writer)
            threads.emplace_back([&] {
                for (size_t at = next++; at < packs.size(); at = next++) {
                    const std::string path = fmt::format("{}/{}", folder, packs[at].id);
                    const host::Descriptor file(
                        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
                    const std::string& content = packs[at].content;
                    if (!file ||
                        ::write(file.number(), content.data(), content.size()) !=
                            static_cast<ssize_t>(content.size()) ||
                        ::fsync(file.number()) != 0)
                        failed = true;
                }
            });
    }
    const double taken = clock_now() - begun;
    for (const Pack& pack : packs) ::unlink(fmt::format("{}/{}", folder, pack.id).c_str());
    if (failed) return fail(ErrorKind::io, fmt::format("cannot write into {}", folder));
    uint64_t bytes = 0;
    for (const Pack& pack : packs) bytes += pack.content.size();
    return rate(bytes, taken);
}

}  // namespace

Result<std::unique_ptr<BenchServer>> BenchServer::start(Kind kind, const MediaPrograms& programs,
                                                        const std::string& folder)
{
    static unsigned port = first_port + static_cast<unsigned>(::getpid()) % 1'000;
    ++port;
    std::filesystem::create_directories(folder);
    const std::string certificate = folder + "/certificate.pem", key = folder + "/key.pem";
    TRY(run_to_end({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate}));
    TRY(write_file(folder + "/password", "open sesame\n"));
    TRY(run_to_end({programs.belay, "media", "add", "bench", "--access", "full", "--password-file",
                    folder + "/password", "--media-state", folder + "/state"}));
    const std::string address = fmt::format("127.0.0.1:{}", port);
    std::vector<std::string> argv;
    if (kind == Kind::belay) {
        argv = {programs.belayd_media,
                "--listen",
                address,
                "--data",
                folder + "/data",
                "--state-dir",
                folder + "/state",
                "--tls-cert",
                certificate,
                "--tls-key",
                key,
                "--socket",
                folder + "/socket",
                "--log-verbose",
                "none"};
    } else {
        std::filesystem::create_directories(folder + "/data");
        TRY(run_to_end({"/bin/sh", "-c",
                        fmt::format("'{}' media export --media-state '{}/state' > '{}/htpasswd'",
                                    programs.belay, folder, folder)}));
        argv = {"/usr/bin/rclone", "serve", "restic",     "--config",           "/dev/null",
                "--addr",          address, "--htpasswd", folder + "/htpasswd", "--cert",
                certificate,       "--key", key,          folder + "/data"};
    }
    Program program = TRY(Program::start(argv));
    std::unique_ptr<BenchServer> server(
        new BenchServer(std::move(program), fmt::format("https://{}/bench/r/", address), certificate));
    std::string answer;
    const Curl curl = connection_to(*server, answer);
    const std::string nothing;
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const Result<long> status = ask(curl.get(), server->url_ + "?create=true", &nothing);
        if (status && *status == 200) return server;
        if (std::chrono::steady_clock::now() > until)
            return fail(ErrorKind::failed,
                        fmt::format("{} does not serve: {}", argv.front(),
                                    status ? std::to_string(*status) : status.error().what));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

Result<double> transfer(const BenchServer& server, Direction direction, const std::vector<Pack>& packs,
                        unsigned clients)
{
    std::atomic<size_t> next = 0;
    std::mutex mutex;
    std::optional<Error> problem;
    const double begun = clock_now();
    {
        std::vector<std::jthread> threads;
        for (unsigned client = 0; client < clients; ++client)
            threads.emplace_back([&] {
                std::string answer;
                const Curl curl = connection_to(server, answer);
                // libcurl asks before it sends a large body; restic does not.
                const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(
                    curl_slist_append(nullptr, "Expect:"), curl_slist_free_all);
                curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
                for (size_t at = next++; at < packs.size(); at = next++) {
                    answer.clear();
                    const Result<long> status =
                        ask(curl.get(), server.url() + "data/" + packs[at].id,
                            direction == Direction::upload ? &packs[at].content : nullptr);
                    const bool is_well = status && *status == 200 &&
                                         (direction == Direction::upload || answer == packs[at].content);
                    if (is_well) continue;
                    const std::lock_guard lock(mutex);
                    problem = status ? Error{.kind = ErrorKind::failed,
                                             .what = fmt::format("{}: answer {}", server.url(), *status)}
                                     : status.error();
                }
            });
    }
    if (problem) return std::unexpected(*problem);
    return clock_now() - begun;
}

Result<MediaLimits> measure_media_limits(const std::vector<Pack>& packs, const std::string& folder)
{
    MediaLimits limits;
    const std::string& content = packs.front().content;
    constexpr int times = 20;
    double begun = clock_now();
    for (int i = 0; i < times; ++i) sha256(content);
    limits.sha256 = rate(content.size() * times, clock_now() - begun);

    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher(EVP_CIPHER_CTX_new(),
                                                                            EVP_CIPHER_CTX_free);
    const std::string key(32, 'k'), nonce(12, 'n');
    constexpr size_t record = 16 << 10;
    std::string sealed(record + 64, '\0');
    begun = clock_now();
    for (int i = 0; i < times; ++i)
        for (size_t at = 0; at + record <= content.size(); at += record) {
            int length = 0;
            EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                               reinterpret_cast<const unsigned char*>(key.data()),
                               reinterpret_cast<const unsigned char*>(nonce.data()));
            EVP_EncryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(sealed.data()), &length,
                              reinterpret_cast<const unsigned char*>(content.data() + at), record);
            EVP_EncryptFinal_ex(cipher.get(), reinterpret_cast<unsigned char*>(sealed.data()), &length);
        }
    limits.tls = rate(content.size() * times, clock_now() - begun);
    limits.disk_1 = TRY(write_synced(packs, folder, 1));
    limits.disk_8 = TRY(write_synced(packs, folder, 8));
    return limits;
}

}  // namespace belay::bench
