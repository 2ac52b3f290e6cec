#include "storage/md_conf.h"

#include "base/json.h"

namespace belay::storage::md {
namespace {

using ConfJson = operation::Json;

/// Nothing where there is no such file.
Result<std::optional<std::string>> read_conf(host::Host& host)
{
    const Result<std::string> text = host.read(conf_path);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    if (!text) return std::unexpected(text.error());
    return std::optional(*text);
}

std::string with_line(std::string text, const std::string& line)
{
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    return text + line + '\n';
}

/// Without every line that is exactly this one.
std::string without_line(std::string_view text, std::string_view line)
{
    std::string rest;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view one = text.substr(0, end);
        if (one != line) rest += text.substr(0, std::min(end + 1, text.size()));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return rest;
}

bool has_line(std::string_view text, std::string_view line)
{
    return without_line(text, line).size() != text.size();
}

/// {line}
class AddConfLine final : public operation::Action {
  public:
    Result<operation::Inspection> inspect(host::Host& host, const ConfJson& arguments) const override
    {
        using operation::Inspection;
        const std::string text = TRY(read_conf(host)).value_or("");
        const bool there = has_line(text, line_in(arguments));
        return Inspection{there ? Inspection::Found::done : Inspection::Found::absent,
                          there ? "it is there" : "no line"};
    }

    Result<ConfJson> remember(host::Host& host, const ConfJson&) const override
    {
        const std::optional<std::string> text = TRY(read_conf(host));
        return text ? ConfJson{{"text", *text}} : ConfJson{{"none", true}};
    }

    Result<void> apply(host::Host& host, const ConfJson& arguments) const override
    {
        const std::string text = TRY(read_conf(host)).value_or("");
        return host.replace(conf_path, with_line(text, line_in(arguments)));
    }

    Result<std::string> remains(host::Host& host, const ConfJson& arguments, const ConfJson&) const override
    {
        const std::string text = TRY(read_conf(host)).value_or("");
        return has_line(text, line_in(arguments)) ? fmt::format("its line in {}", conf_path) : std::string();
    }

    Result<void> revert(host::Host& host, const ConfJson& arguments,
                        const ConfJson& remembered) const override
    {
        const std::string line = line_in(arguments);
        const std::string text = TRY(read_conf(host)).value_or("");
        const std::string before = remembered.value("text", "");
        if (text != with_line(before, line)) return host.replace(conf_path, without_line(text, line));
        return remembered.contains("none") ? host.remove(conf_path) : host.replace(conf_path, before);
    }

  private:
    static std::string line_in(const ConfJson& arguments) { return arguments.at("line"); }
};

Result<operation::Fingerprint> describe_conf(host::Host& host, const ConfJson&)
{
    operation::Fingerprint lines;
    lines[conf_path] = TRY(read_conf(host)).value_or("(no file)");
    return lines;
}

}  // namespace

operation::Act add_conf_line(const std::string& node, const std::string& metadata, const std::string& uuid)
{
    const std::string line = fmt::format("ARRAY {} metadata={} UUID={}", node, metadata, uuid);
    return {"md.add_conf_line",
            {{"line", line}},
            {fmt::format("echo '{}' >> {}", line, conf_path)},
            {fmt::format("sed -i '/UUID={}/d' {}", uuid, conf_path)}};
}

operation::Question conf_fingerprint()
{
    return {"md.conf"};
}

void fill_conf(operation::Catalogue& catalogue)
{
    catalogue.add("md.add_conf_line", std::make_unique<AddConfLine>());
    catalogue.add_fingerprint("md.conf", describe_conf);
}

}  // namespace belay::storage::md
