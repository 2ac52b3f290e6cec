#pragma once
// What belayd-react is told on its standard input: one line of JSON. Secrets are in it, and nowhere else: not
// on a command line, not in an environment that others can read.
//
//     {"kind": "mail", "server", "port", "tls": "starttls"|"tls"|"none", "ca", "account", "password", "from",
//      "to": [...], "message", "limit_ms"}
//     {"kind": "webhook", "url", "ca", "token", "body", "key", "limit_ms"}
//     {"kind": "variable", "oid", "host", "port", "version": "2c"|"3", "community", "user",
//      "authentication": "SHA"|"SHA-256"|"SHA-512", "authentication_password", "privacy_password",
//      "limit_ms"}
//     {"kind": "command", "argv": [...], "user", "environment": {...}}
//
// It ends with 0 where it was done, and has said the number where it was a variable; else it says why on its
// standard error, and ends with
//     75  not now: try again later (sysexits' EX_TEMPFAIL)
//     69  never like this
// A command takes its place, and ends as it does.

#include "framework/alarms/alarm.h"

namespace belay::site {

namespace react {
constexpr int not_now = 75;
constexpr int never = 69;
}  // namespace react

/// What names in braces stand for: {alarm}, {severity}, {host}, {application}, {object}, {text}, {count},
/// {number}, {first}, {last}, {description}; times as 2025-02-08T09:28:32Z.
std::map<std::string, std::string, std::less<>> values_of(const framework::alarms::Alarm& alarm);

/// The text of a mail where the script has none.
std::string standard_body(const framework::alarms::Alarm& alarm);

struct Letter {
    std::string from;
    std::vector<std::string> to;
    std::string subject, body;
    std::string id;  ///< left of its @; the same whenever the same mail is sent again
    Milliseconds at{0};
};
/// A mail as RFC 5322 has it, lines ended by CR LF: whatever is in subject and body, it is one header line
/// each and a text. Addresses are held against check_mail_address() before. Threads: any.
std::string message_of(const Letter& letter);
/// A header's text as encoded words of RFC 2047 where it is not plain ASCII; on lines of 76 characters at
/// most.
std::string encoded_header(std::string_view text);

/// Those that are waiting are to be told apart: the same text for the same reaction to the same alarm.
std::string key_of(const framework::alarms::Alarm& alarm, const framework::alarms::Deed& deed);

}  // namespace belay::site
