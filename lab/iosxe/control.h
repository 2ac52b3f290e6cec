#pragma once
// How a test (or a person with socat) speaks to the simulated pair: a UNIX socket, one JSON object a line,
// one answer for each.
//
//     {"do":"state"}                                   → {"now":"2019-02-08T09:26:26.000","state":{...}}
//     {"do":"typed"}                                   →
//     {"typed":[{"at":"...","line":1,"user":"belay","text":"show version"}]}
//     {"do":"injure","failure":"bundle-boot"}          → {}
//     {"do":"injure","failure":"line-lost","at":"install add","after_s":30,"how":"reset"}
//     {"do":"injure","failure":"line-lost","at":"install activate","after_text":"STAGE
//     2","how":"half-open","for_s":600}
//     {"do":"injure","failure":"line-lost","at":"scp","after_bytes":100000}
//     {"do":"mend","failure":"bundle-boot"}
//     {"do":"forward","seconds":600}                   the device's clock jumps, and all that is due
//     meanwhile happens
//     {"do":"factor","factor":0}                       the device's clock stands
//     {"do":"put","name":"x.bin","version":"16.9.3.0.3127","size":812345678}
//     {"do":"log","text":"%SYS-5-CONFIG_I: Configured from console by console"}
//
// What cannot be done is answered with {"error":"..."}.

#include "iosxe/pair.h"

namespace belay::lab::iosxe {

/// What is answered to one request.
Json answer(Pair& pair, const Json& request);

/// Threads: one, the pair's.
class Control {
  public:
    /// At `path`, which must not be there. Errors: those of the system.
    static Result<std::unique_ptr<Control>> listen(const std::string& path, Pair& pair);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    /// Between turns: answers what was asked in the latest one, so that it has been done by then; forgets who
    /// has gone.
    void sweep();

  private:
    struct Client {
        host::Descriptor socket;
        std::string input;
        std::string output;
        bool gone = false;
    };

    Control(std::string path, Pair& pair, host::Descriptor listener);
    void accept();
    void receive(Client& client);
    static void send(Client& client);

    std::string path_;
    Pair& pair_;
    host::Descriptor listener_;
    std::list<std::unique_ptr<Client>> clients_;
};

}  // namespace belay::lab::iosxe
