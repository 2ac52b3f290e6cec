#include "host/recording.h"

#include "base/json.h"
#include "host/encoding.h"

#include <optional>

namespace belay::host {
namespace {

constexpr std::string_view format_name = "belay-recording";
constexpr int format_version = 1;
constexpr Bytes most_bytes{64 << 20};
constexpr Bytes most_line{16 << 20};

/// The fields of one JSON object, each taken once; done() refuses what nobody took.
class Fields {
  public:
    static Result<Fields> of(Json json, std::string_view name)
    {
        if (!json.is_object()) return fail(ErrorKind::corrupt, fmt::format("{} is not an object", name));
        return Fields(std::move(json));
    }

    bool has(const char* name) const { return json_.contains(name); }

    Result<Json> take(const char* name)
    {
        const auto found = json_.find(name);
        if (found == json_.end()) return fail(ErrorKind::corrupt, fmt::format("no \"{}\"", name));
        Json value = std::move(*found);
        json_.erase(found);
        return value;
    }

    Result<std::string> bytes(const char* name)
    {
        Result<std::string> decoded = decode_bytes(TRY(take(name)));
        if (!decoded) decoded.error().what = fmt::format("\"{}\" is {}", name, decoded.error().what);
        return decoded;
    }

    Result<std::string> bytes_or_empty(const char* name)
    {
        if (!has(name)) return std::string{};
        return bytes(name);
    }

    Result<std::vector<std::string>> list(const char* name)
    {
        const Json items = TRY(take(name));
        if (!items.is_array()) return fail(ErrorKind::corrupt, fmt::format("\"{}\" is not a list", name));
        std::vector<std::string> texts;
        for (const Json& item : items) {
            Result<std::string> decoded = decode_bytes(item);
            if (!decoded)
                return fail(ErrorKind::corrupt,
                            fmt::format("an item of \"{}\" is {}", name, decoded.error().what));
            texts.push_back(*std::move(decoded));
        }
        return texts;
    }

    /// 0..most.
    Result<uint64_t> number(const char* name, uint64_t most = INT64_MAX)
    {
        const Json value = TRY(take(name));
        if (!value.is_number_unsigned() || value.get<uint64_t>() > most)
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" is not a number from 0 to {}", name, most));
        return value.get<uint64_t>();
    }

    Result<void> done() const
    {
        if (json_.empty()) return {};
        return fail(ErrorKind::corrupt, fmt::format("unknown field \"{}\"", json_.begin().key()));
    }

  private:
    explicit Fields(Json json) : json_(std::move(json)) {}
    Json json_;
};

Json encode_list(const std::vector<std::string>& texts)
{
    Json items = Json::array();
    for (const std::string& text : texts) items.push_back(encode_bytes(text));
    return items;
}

struct EncodeAnswer {
    Json operator()(const Outcome& outcome) const
    {
        return {{"exit_code", outcome.exit_code},
                {"out", encode_bytes(outcome.out)},
                {"err", encode_bytes(outcome.err)}};
    }
    Json operator()(const std::string& text) const { return encode_bytes(text); }
    Json operator()(const std::vector<std::string>& names) const { return encode_list(names); }
    Json operator()(const Space& space) const
    {
        return {{"free", space.free.count}, {"total", space.total.count}};
    }
    Json operator()(const Moment& moment) const
    {
        return {{"wall", moment.wall.count()},
                {"boot", moment.boot.count()},
                {"boot_id", encode_bytes(moment.boot_id)}};
    }
};

Json encode_error(const Error& error)
{
    Json json = {{"kind", name_of(error.kind)}, {"what", encode_bytes(error.what)}};
    if (!error.next.empty()) json["next"] = encode_bytes(error.next);
    if (!error.argv.empty()) json["argv"] = encode_list(error.argv);
    if (error.exit_code != 0) json["exit_code"] = error.exit_code;
    if (!error.output.empty()) json["output"] = encode_bytes(error.output);
    if (error.errno_value != 0) json["errno"] = error.errno_value;
    return json;
}

Json encode(const Contact& contact)
{
    const Question& question = contact.question;
    Json json = {{"call", name_of(question.call)}};
    if (question.call == Call::run)
        json["argv"] = encode_list(question.argv);
    else if (question.call != Call::now && question.call != Call::random)
        json["path"] = encode_bytes(question.path);
    if (!question.input.empty()) json["input"] = encode_bytes(question.input);
    if (question.call == Call::read_at) json["offset"] = question.offset.count;
    if (question.call == Call::read_at || question.call == Call::random) json["size"] = question.size.count;
    if (contact.answer)
        json["answer"] = std::visit(EncodeAnswer{}, *contact.answer);
    else
        json["error"] = encode_error(contact.answer.error());
    return json;
}

Result<Call> decode_call(std::string_view name)
{
    for (const Call call : {Call::run, Call::read, Call::list, Call::resolve, Call::read_at, Call::space,
                            Call::now, Call::random}) {
        if (name_of(call) == name) return call;
    }
    return fail(ErrorKind::corrupt, fmt::format("unknown call \"{}\"", name));
}

Result<Question> decode_question(Fields& fields)
{
    Question question{.call = TRY(decode_call(TRY(fields.bytes("call"))))};
    switch (question.call) {
        case Call::run:
            question.argv = TRY(fields.list("argv"));
            question.input = TRY(fields.bytes_or_empty("input"));
            if (question.argv.empty()) return fail(ErrorKind::corrupt, "\"argv\" is empty");
            break;
        case Call::read_at:
            question.path = TRY(fields.bytes("path"));
            question.offset = {TRY(fields.number("offset"))};
            question.size = {TRY(fields.number("size"))};
            break;
        case Call::random:
            question.size = {TRY(fields.number("size"))};
            break;
        case Call::now:
            break;
        default:
            question.path = TRY(fields.bytes("path"));
    }
    return question;
}

Result<Error> decode_error(Json json)
{
    Fields fields = TRY(Fields::of(std::move(json), "\"error\""));
    Error error{.what = {}};
    const std::string kind = TRY(fields.bytes("kind"));
    std::optional<ErrorKind> known;
    for (int i = 0; i <= static_cast<int>(ErrorKind::io); ++i) {
        if (name_of(static_cast<ErrorKind>(i)) == kind) known = static_cast<ErrorKind>(i);
    }
    if (!known) return fail(ErrorKind::corrupt, fmt::format("unknown kind \"{}\"", kind));
    error.kind = *known;
    error.what = TRY(fields.bytes("what"));
    error.next = TRY(fields.bytes_or_empty("next"));
    error.output = TRY(fields.bytes_or_empty("output"));
    if (fields.has("argv")) error.argv = TRY(fields.list("argv"));
    if (fields.has("exit_code")) error.exit_code = static_cast<int>(TRY(fields.number("exit_code", 255)));
    if (fields.has("errno")) error.errno_value = static_cast<int>(TRY(fields.number("errno", 4095)));
    TRY(fields.done());
    return error;
}

Result<Answer> decode_outcome(Json json)
{
    Fields fields = TRY(Fields::of(std::move(json), "\"answer\""));
    Outcome outcome;
    outcome.exit_code = static_cast<int>(TRY(fields.number("exit_code", 255)));
    outcome.out = TRY(fields.bytes("out"));
    outcome.err = TRY(fields.bytes("err"));
    TRY(fields.done());
    return outcome;
}

Result<Answer> decode_space(Json json)
{
    Fields fields = TRY(Fields::of(std::move(json), "\"answer\""));
    Space space;
    space.free = {TRY(fields.number("free"))};
    space.total = {TRY(fields.number("total"))};
    TRY(fields.done());
    return space;
}

Result<Answer> decode_moment(Json json)
{
    Fields fields = TRY(Fields::of(std::move(json), "\"answer\""));
    Moment moment;
    moment.wall = Milliseconds{static_cast<int64_t>(TRY(fields.number("wall")))};
    moment.boot = Milliseconds{static_cast<int64_t>(TRY(fields.number("boot")))};
    moment.boot_id = TRY(fields.bytes("boot_id"));
    TRY(fields.done());
    return moment;
}

Result<Answer> decode_answer(const Question& question, Fields& fields)
{
    switch (question.call) {
        case Call::run:
            return decode_outcome(TRY(fields.take("answer")));
        case Call::list:
            return TRY(fields.list("answer"));
        case Call::space:
            return decode_space(TRY(fields.take("answer")));
        case Call::now:
            return decode_moment(TRY(fields.take("answer")));
        default:
            break;
    }
    std::string bytes = TRY(fields.bytes("answer"));
    const bool counted = question.call == Call::read_at || question.call == Call::random;
    if (counted && bytes.size() != question.size.count)
        return fail(ErrorKind::corrupt,
                    fmt::format("\"answer\" has {} bytes, not {}", bytes.size(), question.size.count));
    return bytes;
}

Result<Contact> decode(std::string_view line)
{
    Fields fields = TRY(Fields::of(TRY(parse_json(line)), "the line"));
    Question question = TRY(decode_question(fields));
    if (fields.has("error")) {
        Error error = TRY(decode_error(TRY(fields.take("error"))));
        TRY(fields.done());
        return Contact{.question = std::move(question), .answer = std::unexpected(std::move(error))};
    }
    Answer answer = TRY(decode_answer(question, fields));
    TRY(fields.done());
    return Contact{.question = std::move(question), .answer = std::move(answer)};
}

Result<void> check_head(std::string_view line)
{
    Fields fields = TRY(Fields::of(TRY(parse_json(line)), "the line"));
    if (TRY(fields.bytes("format")) != format_name)
        return fail(ErrorKind::corrupt, fmt::format("this is not a {}", format_name));
    const uint64_t version = TRY(fields.number("version"));
    if (version != format_version)
        return fail(ErrorKind::version,
                    fmt::format("version {} of the format, this program reads {}", version, format_version));
    return fields.done();
}

Error at_line(size_t line, Error error)
{
    error.what = fmt::format("line {} of the recording: {}", line, error.what);
    return error;
}

}  // namespace

Result<std::string> format_recording(const std::vector<Contact>& contacts)
{
    std::string text = Json{{"format", format_name}, {"version", format_version}}.dump() + "\n";
    for (const Contact& contact : contacts) {
        if (contact.question.effect != Effect::reads)
            return fail(ErrorKind::usage,
                        fmt::format("{} changes the machine and is not recorded", to_text(contact.question)));
        const std::string line = encode(contact).dump();
        if (Bytes{line.size()} > most_line || Bytes{text.size() + line.size() + 1} > most_bytes)
            return fail(ErrorKind::usage, fmt::format("the answer to {} is too long for a recording",
                                                      to_text(contact.question)));
        text += line;
        text += '\n';
    }
    return text;
}

Result<std::vector<RecordedContact>> parse_recording(std::string_view text)
{
    if (Bytes{text.size()} > most_bytes)
        return fail(ErrorKind::corrupt, fmt::format("the recording is larger than {}", to_text(most_bytes)));
    if (!text.ends_with('\n')) return fail(ErrorKind::corrupt, "the recording ends within a line");
    std::vector<RecordedContact> contacts;
    for (size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + 1);
        if (Bytes{line.size()} > most_line)
            return fail(ErrorKind::corrupt, fmt::format("line {} of the recording is longer than {}", number,
                                                        to_text(most_line)));
        if (number == 1) {
            if (Result<void> head = check_head(line); !head) return std::unexpected(at_line(1, head.error()));
            continue;
        }
        Result<Contact> contact = decode(line);
        if (!contact) return std::unexpected(at_line(number, contact.error()));
        contacts.push_back({.contact = *std::move(contact), .line = number});
    }
    return contacts;
}

}  // namespace belay::host
