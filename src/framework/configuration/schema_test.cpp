#include "base/units.h"
#include "framework/configuration/draft.h"
#include "framework/configuration/testing/sample.h"
#include "framework/configuration/value_reader.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace belay::framework::configuration {
namespace {

void for_each_attribute(const std::function<void(const Schema&, const Attribute&)>& visit)
{
    for (const Schema& schema : schemas()) {
        for (const Attribute& attribute : schema.attributes) {
            visit(schema, attribute);
            for (const Attribute& field : attribute.fields) visit(schema, field);
        }
    }
}

TEST_CASE("every standard value is one that its attribute may have, and every reference leads to a type")
{
    for_each_attribute([](const Schema& schema, const Attribute& attribute) {
        CAPTURE(schema.type);
        CAPTURE(attribute.name);
        CHECK(!attribute.meaning.empty());
        CHECK(attribute.meaning.ends_with('.'));
        const bool refers = attribute.kind == Kind::reference || attribute.kind == Kind::references;
        CHECK(refers == (schema_of(attribute.target) != nullptr));
        const bool has_fields = attribute.kind == Kind::table || attribute.kind == Kind::tables;
        CHECK(has_fields != attribute.fields.empty());
        for (const std::string& key : attribute.keys) CHECK(attribute.field(key) != nullptr);
        if (attribute.standard.empty()) return;
        CHECK(!attribute.required);
        const Json standard = standard_of(attribute);
        if (standard.is_number()) {
            CHECK(standard.get<int64_t>() >= attribute.least);
            CHECK(standard.get<int64_t>() <= attribute.most);
        }
        if (attribute.kind == Kind::choice)
            CHECK(std::ranges::find(attribute.choices, attribute.standard) != attribute.choices.end());
        CHECK(!complaint_about(attribute.form, attribute.standard));
    });
}

TEST_CASE("names are given once, and none of them is a word of the file itself")
{
    CHECK(schemas().size() == 16);
    std::set<std::string> types;
    for (const Schema& schema : schemas()) {
        CHECK(types.insert(schema.type).second);
        std::set<std::string> names;
        for (const Attribute& attribute : schema.attributes) {
            CHECK(names.insert(attribute.name).second);
            CHECK(std::ranges::find(reserved_names(), attribute.name) == reserved_names().end());
        }
    }
}

TEST_CASE("spans and sizes are written so that they read back as the same")
{
    CHECK(span_text(0) == "0s");
    CHECK(span_text(1500) == "1500ms");
    CHECK(span_text(90'000) == "90s");
    CHECK(span_text(120'000) == "2m");
    CHECK(span_text(86'400'000) == "1d");
    CHECK(size_text(0) == "0B");
    CHECK(size_text(1536ll << 20) == "1536MiB");
    CHECK(size_text(1ll << 40) == "1TiB");
    for (const int64_t value : {0ll, 1ll, 999ll, 1000ll, 61'000ll, 3'600'000ll, 86'400'001ll}) {
        CHECK(must(parse_span(span_text(value))).count() == value);
        CHECK(must(parse_bytes(size_text(value))).count == static_cast<uint64_t>(value));
    }
}

// ---- docs/configuration.md

std::string kind_text(const Attribute& attribute)
{
    std::string text(name_of(attribute.kind));
    const bool refers = attribute.kind == Kind::reference || attribute.kind == Kind::references;
    if (refers) text += " to " + attribute.target;
    if (!attribute.choices.empty())
        text = fmt::format("{}{}", attribute.kind == Kind::texts ? "list of: " : "one of: ",
                           fmt::join(attribute.choices, ", "));
    const auto measure = [&](int64_t value) {
        if (attribute.kind == Kind::span) return span_text(value);
        if (attribute.kind == Kind::size) return size_text(value);
        return fmt::format("{}{}", value, attribute.unit.empty() ? "" : " " + attribute.unit);
    };
    const bool has_least = attribute.least != 0 && attribute.least != std::numeric_limits<int64_t>::min();
    const bool has_most = attribute.most != std::numeric_limits<int64_t>::max();
    if (has_most)
        text += fmt::format(", {} to {}", measure(attribute.least), measure(attribute.most));
    else if (has_least)
        text += fmt::format(", at least {}", measure(attribute.least));
    if (attribute.secret) text += ", secret";
    return text;
}

std::string row_of(const Attribute& attribute, const std::string& prefix)
{
    std::string standard = attribute.standard.empty() ? "" : fmt::format("`{}`", attribute.standard);
    if (attribute.required) standard = "required";
    if (!attribute.needed_when.empty()) standard = fmt::format("required if {}", attribute.needed_when);
    return fmt::format("| `{}{}`{} | {} | {} | {} | {} |\n", prefix, attribute.name,
                       attribute.mirrored ? " *" : "", kind_text(attribute), standard,
                       name_of(attribute.effect), attribute.meaning);
}

std::string tables_of_schemas()
{
    std::string text;
    for (const Schema& schema : schemas()) {
        text += fmt::format(
            "\n### {}\n\n{}\n\n| Attribute | Kind | Standard | Effect of a change | Meaning |\n|---|---|"
            "---|---|---|\n",
            schema.type, schema.meaning);
        for (const Attribute& attribute : schema.attributes) {
            text += row_of(attribute, "");
            for (const Attribute& field : attribute.fields) text += row_of(field, attribute.name + ".");
        }
    }
    return text + '\n';
}

TEST_CASE("docs/configuration.md has the tables of the schema as they are in the code")
{
    const std::string path = BELAY_DOCS "/configuration.md";
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string begin = "<!-- tables: begin -->\n", end = "<!-- tables: end -->";
    const size_t from = text.find(begin), to = text.find(end);
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    const std::string wanted = tables_of_schemas();
    // To write them anew: BELAY_WRITE_DOCS=1 test_framework -tc="docs/*".
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (std::getenv("BELAY_WRITE_DOCS") != nullptr) {
        text.replace(from + begin.size(), to - from - begin.size(), wanted);
        std::ofstream(path) << text;
    } else {
        CHECK_MESSAGE(text.substr(from + begin.size(), to - from - begin.size()) == wanted,
                      "write them anew: BELAY_WRITE_DOCS=1 test_framework -tc=\"docs/*\"");
    }
}

}  // namespace
}  // namespace belay::framework::configuration
