#include "framework/configuration/copy_store.h"

#include "base/digest.h"

#include <algorithm>
#include <charconv>

namespace belay::framework::configuration {
namespace {

constexpr std::string_view copy_head = "copy/head";
constexpr std::string_view copy_heard = "copy/heard";
constexpr std::string_view base_prefix = "copy/base/";
constexpr std::string_view step_prefix = "copy/step/";
constexpr size_t steps_dropped_at_once = 8;
constexpr size_t steps_read_at_once = 50;
constexpr size_t swept_at_once = 8;  // values may be large, and a list has them

std::string base_folder(uint64_t generation)
{
    return fmt::format("{}{:08}/", base_prefix, generation);
}

std::string base_key(uint64_t generation, size_t piece)
{
    return fmt::format("{}{:04}", base_folder(generation), piece);
}

std::string step_key(uint64_t number)
{
    return fmt::format("{}{:012}", step_prefix, number);
}

std::unexpected<Error> makes_no_sense()
{
    return fail(ErrorKind::corrupt, "this machine's copy of the configuration makes no sense");
}

Result<uint64_t> number_of(std::string_view key)
{
    const std::string_view digits = key.substr(step_prefix.size());
    uint64_t number = 0;
    const char* begin = digits.data();
    const auto read = std::from_chars(begin, begin + digits.size(), number);
    if (read.ec != std::errc() || read.ptr != begin + digits.size()) return makes_no_sense();
    return number;
}

Result<Step> step_in_copy(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    auto handover = TRY(handover_from(json));
    Step* step = std::get_if<Step>(&handover);
    if (step == nullptr) return makes_no_sense();
    return std::move(*step);
}

Json json_of(const Heard& heard)
{
    Json json = {{"newest", heard.newest}};
    if (heard.at)
        json.update({{"wall_ms", heard.at->wall.count()},
                     {"boot_ms", heard.at->boot.count()},
                     {"boot_id", heard.at->boot_id}});
    return json;
}

store::Write write_of(const Heard& heard)
{
    return {.key = std::string(copy_heard), .value = json_text(json_of(heard))};
}

}  // namespace

std::string CopyStore::text_of(const Head& head) const
{
    return json_text({{"site", site_},
                      {"at", head.at},
                      {"generation", head.generation},
                      {"pieces", head.pieces},
                      {"digest", head.digest},
                      {"base", head.base},
                      {"last", head.last},
                      {"oldest", head.oldest}});
}

Result<CopyStore::Head> CopyStore::head_from(std::string_view text) const
{
    const Json json = TRY(parse_json(text));
    const auto number = [&](const char* name) -> Result<uint64_t> {
        const auto found = json.is_object() ? json.find(name) : json.end();
        if (found == json.end() || !found->is_number_unsigned()) return makes_no_sense();
        return found->get<uint64_t>();
    };
    if (!json.is_object() || json.value("site", Json()) != site_)
        return fail(ErrorKind::corrupt, "this machine's copy of the configuration is of another site");
    Head head;
    head.generation = TRY(number("generation"));
    head.pieces = TRY(number("pieces"));
    head.base = TRY(number("base"));
    head.last = TRY(number("last"));
    head.oldest = TRY(number("oldest"));
    head.at = TRY(point_from(json.value("at", Json())));
    head.digest = TRY(from_json_value<std::string>(json.value("digest", Json())));
    // The steps upon the base are all there; the next one has a number of its own.
    const bool fits = head.pieces <= most_pieces && head.oldest >= 1 && head.oldest <= head.last + 1 &&
                      head.base <= head.last && head.oldest <= head.base + 1;
    if (!fits) return makes_no_sense();
    return head;
}

Result<CopyStore::Loaded> CopyStore::load()
{
    Loaded loaded;
    const std::optional<store::Entry> entry = TRY(store_.get(copy_head));
    if (entry) {
        head_ = TRY(head_from(entry->value));
        auto base = load_base();
        if (!base) return std::unexpected(std::move(base).error());
        loaded.at = head_.at;
        loaded.configuration = std::make_shared<const Configuration>(*std::move(base));
        TRY(load_steps(loaded));
    } else {
        TRY(sweep_all());
    }
    loaded.heard = TRY(load_heard());
    sweep_old();
    return loaded;
}

Result<Configuration> CopyStore::load_base()
{
    if (head_.pieces == 0) return Configuration();
    std::string packed;
    for (size_t piece = 0; piece < head_.pieces; ++piece) {
        const std::optional<store::Entry> entry = TRY(store_.get(base_key(head_.generation, piece)));
        if (!entry) return makes_no_sense();
        packed += entry->value;
    }
    if (sha256(packed) != head_.digest) return makes_no_sense();
    base_bytes_ = packed.size();
    return configuration_in(packed);
}

Result<void> CopyStore::load_steps(Loaded& loaded)
{
    index_ = {.oldest = head_.oldest};
    kept_bytes_ = bytes_upon_base_ = 0;
    Configuration configuration = *loaded.configuration;
    while (index_.last() < head_.last) {
        const std::vector<store::Entry> entries =
            TRY(store_.list(step_prefix, step_key(index_.last()), steps_read_at_once));
        if (entries.empty()) return makes_no_sense();
        for (const store::Entry& entry : entries) {
            const uint64_t number = TRY(number_of(entry.key));
            if (number != index_.last() + 1 || number > head_.last) return makes_no_sense();
            const auto step = step_in_copy(entry.value);
            if (!step) return std::unexpected(step.error());
            index_.spans.push_back({step->from.version, step->to.version, entry.value.size()});
            kept_bytes_ += entry.value.size();
            if (number <= head_.base) continue;
            apply(configuration, step->delta);
            bytes_upon_base_ += entry.value.size();
        }
    }
    loaded.configuration = std::make_shared<const Configuration>(std::move(configuration));
    return {};
}

Result<Heard> CopyStore::load_heard()
{
    const std::optional<store::Entry> entry = TRY(store_.get(copy_heard));
    if (!entry) return Heard();
    const Json json = TRY(parse_json(entry->value));
    if (!json.is_object()) return makes_no_sense();
    Heard heard{.newest = TRY(from_json_value<Version>(json.value("newest", Json())))};
    if (!json.contains("wall_ms")) return heard;
    host::Moment moment{};
    moment.wall = Milliseconds(TRY(from_json_value<int64_t>(json.value("wall_ms", Json()))));
    moment.boot = Milliseconds(TRY(from_json_value<int64_t>(json.value("boot_ms", Json()))));
    moment.boot_id = TRY(from_json_value<std::string>(json.value("boot_id", Json())));
    heard.at = std::move(moment);
    return heard;
}

Result<void> CopyStore::commit(const Head& head, std::vector<store::Write> writes)
{
    writes.push_back({.key = std::string(copy_head), .value = text_of(head)});
    const store::Commit done = TRY(store_.commit({.when = {}, .then = std::move(writes)}));
    static_cast<void>(done.succeeded);  // there is no comparison that could fail
    head_ = head;
    return {};
}

Result<void> CopyStore::append(const Step& step, const Heard& heard)
{
    Head head = head_;
    head.at = step.to;
    head.last = index_.last() + 1;
    const Json parameters = TRY(parameters_of(step));
    std::string text = json_text(parameters);
    const size_t bytes = text.size();
    std::vector<store::Write> writes = {{.key = step_key(head.last), .value = std::move(text)},
                                        write_of(heard)};
    // What is older than anybody looks at goes, a little with every step.
    size_t kept_bytes = kept_bytes_ + bytes;
    while (head.oldest <= head.base && head.oldest - head_.oldest < steps_dropped_at_once &&
           (head.last - head.oldest >= limits_.kept_steps || kept_bytes > limits_.kept_bytes)) {
        kept_bytes -= index_.spans[head.oldest - head_.oldest].bytes;
        writes.push_back({.key = step_key(head.oldest++)});
    }
    const size_t dropped = head.oldest - head_.oldest;
    TRY(commit(head, std::move(writes)));
    index_.spans.erase(index_.spans.begin(), index_.spans.begin() + static_cast<std::ptrdiff_t>(dropped));
    index_.spans.push_back({step.from.version, step.to.version, bytes});
    index_.oldest = head.oldest;
    kept_bytes_ = kept_bytes;
    bytes_upon_base_ += bytes;
    return {};
}

/// The pieces of a new generation, which counts as soon as a head says so.
Result<void> CopyStore::put_base(const Whole& whole, Head& head)
{
    head.generation = head_.generation + 1;
    head.pieces = whole.pieces.size();
    head.digest = whole.digest;
    for (size_t piece = 0; piece < whole.pieces.size(); ++piece) {
        const store::Commit done = TRY(store_.commit(
            {.when = {}, .then = {{.key = base_key(head.generation, piece), .value = whole.pieces[piece]}}}));
        static_cast<void>(done.succeeded);
    }
    return {};
}

Result<void> CopyStore::replace(const Whole& whole, const Step* step, const Heard& heard)
{
    Head head = head_;
    TRY(put_base(whole, head));
    head.at = whole.at;
    StepIndex index = index_;
    std::vector<store::Write> writes = {write_of(heard)};
    const Result<Json> parameters = step != nullptr ? parameters_of(*step) : Result<Json>(Json());
    if (step != nullptr && parameters) {
        std::string text = json_text(*parameters);
        index.spans.push_back({step->from.version, step->to.version, text.size()});
        writes.push_back({.key = step_key(index.last()), .value = std::move(text)});
    } else {
        index = {.oldest = index.last() + 2};
    }
    head.base = head.last = index.last();
    head.oldest = index.oldest;
    TRY(commit(head, std::move(writes)));
    kept_bytes_ = 0;
    for (const StepIndex::Span& span : index.spans) kept_bytes_ += span.bytes;
    index_ = std::move(index);
    base_bytes_ = 0;
    for (const std::string& piece : whole.pieces) base_bytes_ += piece.size();
    bytes_upon_base_ = 0;
    sweep_old();
    return {};
}

bool CopyStore::is_base_due() const
{
    return head_.last - head_.base > limits_.steps_upon_base ||
           bytes_upon_base_ > std::max(limits_.bytes_upon_base, base_bytes_);
}

Result<void> CopyStore::renew_base(const Whole& whole)
{
    Head head = head_;
    TRY(put_base(whole, head));
    head.base = head.last;
    TRY(commit(head, {}));
    base_bytes_ = 0;
    for (const std::string& piece : whole.pieces) base_bytes_ += piece.size();
    bytes_upon_base_ = 0;
    sweep_old();
    return {};
}

Result<void> CopyStore::keep_heard(const Heard& heard)
{
    const store::Commit done = TRY(store_.commit({.when = {}, .then = {write_of(heard)}}));
    static_cast<void>(done.succeeded);
    return {};
}

Result<void> CopyStore::drop()
{
    // The head goes first: without it nothing of the rest counts.
    const store::Commit done = TRY(store_.commit(
        {.when = {}, .then = {{.key = std::string(copy_head)}, {.key = std::string(copy_heard)}}}));
    static_cast<void>(done.succeeded);
    index_ = {.oldest = index_.last() + 2};
    head_ = {.base = index_.last(), .last = index_.last(), .oldest = index_.oldest};
    kept_bytes_ = base_bytes_ = bytes_upon_base_ = 0;
    return sweep_all();
}

Result<void> CopyStore::sweep_all()
{
    const auto all = [](std::string_view) { return true; };
    TRY(sweep(base_prefix, all));
    return sweep(step_prefix, all);
}

/// Of the keys under a prefix, in order, those up to the first one that is not old.
Result<void> CopyStore::sweep(std::string_view prefix,
                              const std::function<bool(std::string_view key)>& is_old)
{
    while (true) {
        const std::vector<store::Entry> entries = TRY(store_.list(prefix, {}, swept_at_once));
        store::Transaction transaction;
        for (const store::Entry& entry : entries) {
            if (!is_old(entry.key)) break;
            transaction.then.push_back({.key = entry.key});
        }
        if (transaction.then.empty()) return {};
        const store::Commit done = TRY(store_.commit(transaction));
        static_cast<void>(done.succeeded);
    }
}

/// Where that fails, what is left goes the next time.
void CopyStore::sweep_old()
{
    const std::string folder = base_folder(head_.generation);
    const std::string oldest = step_key(head_.oldest);
    const bool swept = sweep(base_prefix, [&](std::string_view key) { return key < folder; }) &&
                       sweep(step_prefix, [&](std::string_view key) { return key < oldest; });
    static_cast<void>(swept);
}

Result<std::vector<Step>> CopyStore::read(uint64_t after, size_t limit) const
{
    std::vector<Step> steps;
    const std::vector<store::Entry> entries = TRY(store_.list(step_prefix, step_key(after), limit));
    for (const store::Entry& entry : entries) {
        const uint64_t number = TRY(number_of(entry.key));
        if (number != after + steps.size() + 1)
            return fail(ErrorKind::not_found, "the steps after this one are no longer kept", "read it anew");
        auto step = step_in_copy(entry.value);
        if (!step) return std::unexpected(std::move(step).error());
        steps.push_back(*std::move(step));
    }
    return steps;
}

}  // namespace belay::framework::configuration
