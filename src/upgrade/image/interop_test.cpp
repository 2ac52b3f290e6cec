// Standard tools read what is built, and what they make is read: docs/images.md, "By hand".

#include "host/real.h"
#include "upgrade/image/expansion.h"
#include "upgrade/image/testing/sample.h"

#include <cstdlib>

namespace belay::upgrade::image {
namespace {

/// What a shell says to it, in a folder; a failed test where it fails.
std::string shell(const std::string& folder, const std::string& script)
{
    const std::unique_ptr<host::Host> host = host::real_host();
    const auto said =
        must(host->run({.argv = {"bash", "-c", "set -euo pipefail; cd \"$0\"; " + script, folder},
                        .effect = host::Effect::changes}));
    CHECK_MESSAGE(said.exit_code == 0, script, ": ", said.err);
    return said.out;
}

}  // namespace

TEST_CASE("tar, zstd, openssl, sha256sum and bsdtar read an image")
{
    const Workshop shop;
    shop.build_image("shop-2.0.image");
    write_file(shop.path("key.pub.pem"), shop.trusted.front().pem);
    const std::string folder = shop.folder.path();
    const std::string listed = shell(folder, "tar --zstd -tf shop-2.0.image");
    CHECK(listed.starts_with(
        "manifest.toml\nmanifest.sig\nfiles.mtree\nroot/bin/\nroot/bin-x\nroot/bin/sh\nroot/bin/shop\n"));
    CHECK(shell(folder, "zstd -dc < shop-2.0.image | bsdtar -tf - | wc -l") == "13\n");
    CHECK(shell(folder, "tar --zstd -xOf shop-2.0.image manifest.toml").find("name = \"shop\"\n") !=
          std::string::npos);
    shell(folder, "mkdir out; tar --zstd -xf shop-2.0.image -C out");
    CHECK(shell(folder, "diff -r root out/root 2>&1 || true").empty());
    const std::string out = folder + "/out";
    CHECK(shell(out,
                "openssl pkeyutl -verify -pubin -inkey ../key.pub.pem -rawin -in manifest.toml -sigfile "
                "manifest.sig")
              .find("Signature Verified Successfully") != std::string::npos);
    CHECK(shell(out, "sed -n 's/^files = \"\\(.*\\)\"/\\1  files.mtree/p' manifest.toml | sha256sum -c") ==
          "files.mtree: OK\n");
    CHECK(shell(out,
                "grep -v '\\\\' files.mtree | sed -n 's|^\\./\\([^ ]*\\) .*sha256digest=\\(.*\\)|\\2  "
                "root/\\1|p' | sha256sum -c") ==
          "root/bin-x: OK\nroot/bin/shop: OK\nroot/lib/deep/er/file: OK\n");
    shell(out,
          "bsdtar -cf - --format=mtree --options '!all,type,mode,size,link,sha256' -C root $(ls -A root) | "
          "diff - files.mtree");
    shell(out, "chmod -R u+w root");
}

TEST_CASE("an image signed by openssl with a key of openssl's is read")
{
    const Workshop shop;
    BuildOrder order = shop.order();
    order.key.clear();
    must(build(order));
    const std::string folder = shop.folder.path();
    shell(folder,
          "openssl genpkey -algorithm ed25519 -out key.pem; mkdir keys; openssl pkey -in key.pem -pubout "
          "-out keys/it.pem; "
          "chmod 600 key.pem; tar --zstd -xOf shop.image manifest.toml > manifest.toml; "
          "openssl pkeyutl -sign -inkey key.pem -rawin -in manifest.toml -out manifest.sig");
    const std::string key = must(read_private_key(shop.path("key.pem")));
    must(sign_image(order.output, key));
    CHECK(must(ImageFile::open(order.output)).head().signature == file_text(shop.path("manifest.sig")));
    const std::vector<PublicKey> keys = must(read_public_keys(shop.path("keys")));
    CHECK(must(verify(order.output, keys)).signer == "it.pem");
}

TEST_CASE("a private key that others may read is refused, and one that is none")
{
    const Workshop shop;
    const std::string path = shop.path("key.pem");
    CHECK(must(write_key_pair(path)) == shop.path("key.pub.pem"));
    CHECK(must(read_private_key(path)) == file_text(path));
    CHECK(write_key_pair(path).error().kind == ErrorKind::refused);
    for (const mode_t mode : {0640, 0604, 0660, 0644}) {
        REQUIRE(chmod(path.c_str(), mode) == 0);
        CHECK(read_private_key(path).error().next == "chmod 600 " + path);
    }
    write_file(path, "hello", 0600);
    CHECK(read_private_key(path).error().kind == ErrorKind::corrupt);
    shell(shop.folder.path(),
          "openssl genpkey -algorithm x25519 -out other.pem; chmod 600 other.pem; "
          "openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out locked.pem; chmod 600 locked.pem");
    CHECK(read_private_key(shop.path("other.pem")).error().kind == ErrorKind::corrupt);
    CHECK(read_private_key(shop.path("locked.pem")).error().kind == ErrorKind::corrupt);
    CHECK(read_private_key(shop.path("nowhere.pem")).error().kind == ErrorKind::not_found);
    CHECK(read_public_keys(shop.path("nowhere")).error().kind == ErrorKind::not_found);
}

}  // namespace belay::upgrade::image
