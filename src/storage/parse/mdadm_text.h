#pragma once
// The texts of mdadm as they are laid out: sections that begin with a device, groups in them, fields, and the
// table of devices. What the fields mean is said in mdadm_detail.h and mdadm_examine.h.
// Source: mdadm's Detail.c, Examine.c, super0.c, super1.c, super-intel.c, super-ddf.c, super-mbr.c,
// super-gpt.c.

#include "storage/parse/lines.h"

#include <map>

namespace belay::storage::parse {

/// A row of the table of devices.
struct MdadmRow {
    std::optional<uint64_t> number, major, minor;
    std::optional<uint64_t> slot;    ///< RaidDevice
    std::vector<std::string> state;  ///< "active", "sync", "set-A"; "removed"; "spare", "rebuilding"
    std::string device;              ///< empty: nothing is there
    bool self = false;               ///< the row "this" of a superblock
};

/// Fields by their name as field_name() makes it. What is asked for is taken out; the rest stays.
class MdadmFields {
  public:
    /// Of two fields with the same name the first counts.
    void add(std::string name, std::string value) { values_.emplace(std::move(name), std::move(value)); }
    bool has(const std::string& name) const { return values_.contains(name); }
    bool empty() const { return values_.empty(); }

    /// Empty where there is no such field.
    std::string text(const std::string& name);
    std::optional<uint64_t> number(const std::string& name);
    /// "2 sectors" and "12" are 2 and 12: the number at the front, where a blank or nothing follows.
    std::optional<uint64_t> leading_number(const std::string& name);
    /// A size in bytes; see mdadm_bytes().
    std::optional<uint64_t> bytes(const std::string& name, std::initializer_list<uint64_t> units);
    /// "64K" in bytes.
    std::optional<uint64_t> chunk(const std::string& name);
    std::map<std::string, std::string> rest() const;
    /// The numbers behind a name: of partition_0 and partition_3, 0 and 3; ascending.
    std::vector<uint64_t> numbers_behind(std::string_view name) const;

  private:
    std::map<std::string, std::string> values_;
};

struct MdadmGroup {
    std::string name;  ///< "Volume0" of "[Volume0]:"; "Disk00" of "Disk00 Serial"; empty: the first one
    MdadmFields fields;
};

/// "sysrescue:126  (local to host sysrescue)": the name, and the host.
struct MdadmName {
    std::string name, homehost;
};
MdadmName mdadm_name(const std::string& value);

struct MdadmSection {
    std::string device;                   ///< as it was asked for; empty where the text does not say
    size_t line = 0;                      ///< where it begins
    std::vector<MdadmGroup> groups = {};  ///< one at least
    bool has_table = false;
    std::vector<MdadmRow> rows = {};
    std::vector<Line> table_lines = {};  ///< of a table that is none of md's own: DDF's physical disks

    bool is_examine() const;
    bool is_detail() const;
};

/// A line of `mdadm --detail --scan` or `--examine --brief`.
struct MdadmScanned {
    std::string device;
    bool inactive = false;
    std::map<std::string, std::string> words;  ///< "level", "metadata", "name", "uuid", "container", "member"
    std::vector<std::string> devices;
};

struct MdadmText {
    std::vector<MdadmSection> sections;
    std::vector<MdadmScanned> scanned;
    std::map<std::string, std::string> exported;  ///< of --export: "MD_LEVEL"
    std::string complaint;  ///< what mdadm said instead: "No md superblock detected on ..."
    bool ended = false;     ///< the last line has an end
};

/// Errors: corrupt.
Result<MdadmText> read_mdadm(std::string_view text, std::string_view command);

/// Why a text is no report of the one kind or the other. `wanted`: what it should begin with.
std::unexpected<Error> no_mdadm_report(const MdadmText& text, std::string_view command,
                                       std::string_view wanted);

/// "101376 (99.00 MiB 103.81 MB)" in bytes. Versions of mdadm count the same field in sectors or in KiB, and
/// not all say it: `units` are the ones that it may be, in bytes, and the size in brackets tells which. Where
/// that cannot be told, or fits none, nothing comes out.
std::optional<uint64_t> mdadm_bytes(std::string_view value, std::initializer_list<uint64_t> units);

}  // namespace belay::storage::parse
