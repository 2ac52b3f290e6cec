#pragma once
// The recording of a conversation with a machine, as a text file: what the tools of a real host said, kept so
// that every probe is tested against it.
//
// JSON lines. The first names the format:
//
//     {"format":"belay-recording","version":1}
//
// Then one object a contact, in the order in which they were made: the call (its name in host.h), what it
// asked, and either the answer or the error:
//
//     {"call":"run","argv":["mdadm","--detail","/dev/md0"],"answer":{"exit_code":0,"out":"/dev/md0:\n","err":""}}
//     {"call":"run","argv":["sfdisk","-d"],"input":"...","answer":{...}}        input: only where there was
//     one
//     {"call":"read","path":"/proc/mdstat","answer":"Personalities : \n"}
//     {"call":"list","path":"/sys/block","answer":["sda","sdb"]}
//     {"call":"resolve","path":"/dev/disk/by-id/x","answer":"/dev/sda"}
//     {"call":"read_at","path":"/dev/sda","offset":0,"size":4,"answer":{"base64":"/Ei+/w=="}}
//     {"call":"space","path":"/","answer":{"free":1073741824,"total":4294967296}}                       bytes
//     {"call":"now","answer":{"wall":1700000000000,"boot":5000,"boot_id":"..."}}                 milliseconds
//     {"call":"random","size":2,"answer":"ab"}
//     {"call":"read","path":"/etc/x","error":{"kind":"not_found","what":"cannot open /etc/x: ...","errno":2}}
//
// A text that is not UTF-8 is {"base64":"..."} instead, wherever a text may be. An error has the fields of
// Error, those that are empty left out. Unknown fields are an error: a misspelt one in a recording edited by
// hand would otherwise go unnoticed. Only calls that change nothing are recorded.
//
// Refused: one file a contact (a probe makes hundreds), and a binary format (a person must be able to read,
// search and compare recordings).

#include "host/contact.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::host {

/// The recording as text. Errors: usage (beyond a limit of parse_recording, or a contact that changes the
/// machine).
Result<std::string> format_recording(const std::vector<Contact>& contacts);

/// One contact of a recording, with its line in the text, counted from 1.
struct RecordedContact {
    Contact contact;
    size_t line = 0;
};

/// At most 64 MiB, 16 MiB a line. Errors: corrupt, with the number of the line and what is wrong there;
/// version.
Result<std::vector<RecordedContact>> parse_recording(std::string_view text);

}  // namespace belay::host
