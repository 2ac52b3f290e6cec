#pragma once
// For tests: a CA and what it has signed, by openssl, as a person would make them.

#include "store/etcd/testing/process.h"
#include "store/scratch_folder.h"

#include <doctest/doctest.h>

namespace belay::store {

/// NAME.pem and NAME.key of each, in a folder that goes away with it.
class Certificates {
  public:
    std::string operator/(std::string_view name) const { return folder_ / name; }
    void make_ca(const std::string& name) const { openssl(name, {"-subj", "/CN=" + name}); }
    /// For 127.0.0.1, and good for clients as well.
    void sign(const std::string& name, const std::string& ca) const
    {
        openssl(name, {"-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-CA",
                       folder_ / (ca + ".pem"), "-CAkey", folder_ / (ca + ".key")});
    }

  private:
    void openssl(const std::string& name, const std::vector<std::string>& more) const
    {
        std::vector<std::string> argv = {"/usr/bin/openssl",
                                         "req",
                                         "-x509",
                                         "-newkey",
                                         "ec",
                                         "-pkeyopt",
                                         "ec_paramgen_curve:P-256",
                                         "-nodes",
                                         "-keyout",
                                         folder_ / (name + ".key"),
                                         "-out",
                                         folder_ / (name + ".pem")};
        argv.insert(argv.end(), more.begin(), more.end());
        REQUIRE(Process(argv, folder_ / "openssl.log").wait() == 0);
    }

    ScratchFolder folder_;
};

}  // namespace belay::store
