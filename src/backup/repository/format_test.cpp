// Seals, packs, indexes, trees: what is written is read again, and what is damaged is refused.

#include "backup/repository/blob_table.h"
#include "backup/repository/compression.h"
#include "backup/repository/go_text.h"
#include "backup/repository/index_file.h"
#include "backup/repository/key_file.h"
#include "backup/repository/node.h"
#include "backup/repository/pack_builder.h"
#include "base/testing/must.h"

#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace belay::backup {
namespace {

const MasterKey& test_key()
{
    static const MasterKey key = must(MasterKey::make());
    return key;
}

constexpr ScryptCost quick = {.n = 16, .r = 1, .p = 1};

TEST_CASE("ids are hexadecimal in lower case and nothing else")
{
    // Source: FIPS 180-2, appendix B.
    const std::string hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    CHECK(Id::of("abc").hex() == hex);
    CHECK(must(Id::from_hex(hex)) == Id::of("abc"));
    CHECK(Id::of("abc").short_hex() == "ba7816bf");
    for (const std::string& wrong : {hex.substr(1), hex + "0", "B" + hex.substr(1), "g" + hex.substr(1)})
        CHECK(Id::from_hex(wrong).error().kind == ErrorKind::corrupt);
}

TEST_CASE("the MAC is Poly1305-AES")
{
    // Source: D. J. Bernstein, "The Poly1305-AES message-authentication code", appendix B, the third example.
    // Such a text is opened, whatever it then says.
    const auto from_hex = [](std::string_view hex) {
        std::string bytes;
        for (size_t i = 0; i < hex.size(); i += 2)
            bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
        return bytes;
    };
    MasterKey key;
    const std::string k = from_hex("6acb5f61a7176dd320c5c1eb2edcdc74"),
                      r = from_hex("48443d0bb0d21109c89a100b5ce2c208");
    std::copy(k.begin(), k.end(), key.mac_k.begin());
    std::copy(r.begin(), r.end(), key.mac_r.begin());
    const std::string nonce = from_hex("ae212a55399729595dea458bc621ff0e"),
                      tag = from_hex("0ee1c16bb73f0f4fd19881753c01cdbe");
    const std::string message = from_hex("663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136");
    const std::string sealed = nonce + message + tag;
    CHECK(open(key, sealed).has_value());
    for (size_t i = 0; i < sealed.size(); ++i) {
        std::string other = sealed;
        other[i] = static_cast<char>(other[i] ^ 1);
        CHECK(open(key, other).error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE("what is sealed is opened by the same key, whole, and by no other")
{
    for (const size_t size : {0, 1, 15, 16, 17, 4096, 100000}) {
        const std::string plain(size, 'x');
        const std::string sealed = must(seal(test_key(), plain));
        CHECK(sealed.size() == size + seal_overhead);
        CHECK(must(open(test_key(), sealed)) == plain);
        CHECK(must(seal(test_key(), plain)) != sealed);
        CHECK(open(must(MasterKey::make()), sealed).error().kind == ErrorKind::corrupt);
        CHECK(open(test_key(), std::string_view(sealed).substr(1)).error().kind == ErrorKind::corrupt);
    }
    CHECK(open(test_key(), "short").error().kind == ErrorKind::corrupt);
}

TEST_CASE("no two texts are sealed with the same IV, by threads, nor by a process that was forked off")
{
    constexpr size_t many = 600, iv_size = 16;
    std::set<std::string> ivs;
    const auto iv_of_next = [] { return must(seal(test_key(), "")).substr(0, iv_size); };
    for (size_t i = 0; i < many; ++i) ivs.insert(iv_of_next());
    std::thread([&] { ivs.insert(iv_of_next()); }).join();
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const std::string iv = iv_of_next();
        ::_exit(::write(ends[1], iv.data(), iv.size()) == static_cast<ssize_t>(iv_size) ? 0 : 1);
    }
    std::string of_child(iv_size, '\0');
    CHECK(::read(ends[0], of_child.data(), iv_size) == static_cast<ssize_t>(iv_size));
    CHECK(::waitpid(child, nullptr, 0) == child);
    for (const int end : ends) ::close(end);
    ivs.insert(of_child);
    ivs.insert(iv_of_next());
    CHECK(ivs.size() == many + 3);
}

TEST_CASE("a key is opened by its password alone")
{
    const KeyFile made = must(KeyFile::make(test_key(), "secret", quick));
    const KeyFile read = must(KeyFile::from_text(made.to_text()));
    CHECK(must(read.unlock("secret")).encrypt == test_key().encrypt);
    CHECK(read.unlock("Secret").error().kind == ErrorKind::permission);
    CHECK(read.unlock("").error().kind == ErrorKind::permission);
}

TEST_CASE("a key that wants more than anybody has is refused before anything is computed")
{
    KeyFile file = must(KeyFile::make(test_key(), "secret", quick));
    for (const ScryptCost cost : {ScryptCost{0, 8, 1}, ScryptCost{1 << 15, 0, 1}, ScryptCost{1 << 15, 8, 0},
                                  ScryptCost{(1 << 15) + 1, 8, 1}, ScryptCost{uint64_t{1} << 40, 8, 1},
                                  ScryptCost{1 << 15, 1U << 30, 1}, ScryptCost{1 << 15, 8, 1U << 30}}) {
        file.cost = cost;
        CHECK(file.unlock("secret").error().kind == ErrorKind::corrupt);
    }
    CHECK(KeyFile::from_text("{}").error().kind == ErrorKind::version);
    CHECK(KeyFile::from_text("[]").error().kind == ErrorKind::corrupt);
    CHECK(KeyFile::from_text(R"({"kdf":"scrypt","N":16,"r":1,"p":1,"salt":"!","data":""})").error().kind ==
          ErrorKind::corrupt);
}

TEST_CASE("compressed data makes what it was made of, and never more than was said")
{
    for (const Compression level : {Compression::automatic, Compression::max}) {
        for (const size_t size : {0, 1, 1000, 3000000}) {
            const std::string plain(size, 'y');
            const std::string frame = compress(plain, level);
            CHECK(must(decompress(frame, size)) == plain);
            CHECK(must(decompress_at_most(frame, size)) == plain);
            CHECK(decompress(frame, size + 1).error().kind == ErrorKind::corrupt);
            if (size == 0) continue;
            CHECK(decompress(frame, size - 1).error().kind == ErrorKind::corrupt);
            CHECK(decompress_at_most(frame, size - 1).error().kind == ErrorKind::corrupt);
            CHECK(decompress_at_most(frame.substr(0, frame.size() - 1), size).error().kind ==
                  ErrorKind::corrupt);
            CHECK(decompress_at_most(frame + "x", size).error().kind == ErrorKind::corrupt);
        }
    }
    // Two gigabytes that are said to be three: nothing is allocated on the word of the frame.
    CHECK(decompress(compress(std::string(1000, 'y'), Compression::automatic), uint64_t{3} << 30)
              .error()
              .kind == ErrorKind::corrupt);
}

FinishedPack sample_pack()
{
    PackBuilder builder;
    const std::string frame = compress("hello hello hello", Compression::automatic);
    builder.add({Id::of("data"), BlobType::data, must(seal(test_key(), "data")), 0});
    builder.add({Id::of("hello hello hello"), BlobType::tree, must(seal(test_key(), frame)), 17});
    builder.add({Id::of("more"), BlobType::tree, must(seal(test_key(), "more")), 0});
    const size_t size = builder.size();
    FinishedPack pack = must(builder.finish(test_key()));
    CHECK(pack.bytes.size() == size);
    CHECK(builder.is_empty());
    CHECK(builder.size() == PackBuilder().size());
    return pack;
}

Result<std::vector<PackedBlob>> read_pack(const std::string& bytes)
{
    const std::string_view end = std::string_view(bytes).substr(bytes.size() - header_length_size);
    const uint32_t length = TRY(header_length(end, bytes.size()));
    const size_t begin = bytes.size() - header_length_size - length;
    return read_header(test_key(), std::string_view(bytes).substr(begin, length), bytes.size());
}

TEST_CASE("a pack says what it holds, and its blobs are what their ids say")
{
    const FinishedPack pack = sample_pack();
    CHECK(pack.index.id == Id::of(pack.bytes));
    const std::vector<PackedBlob> blobs = must(read_pack(pack.bytes));
    CHECK(blobs == pack.index.blobs);
    const std::vector<std::string> contents = {"data", "hello hello hello", "more"};
    for (size_t i = 0; i < blobs.size(); ++i) {
        const std::string bytes = pack.bytes.substr(blobs[i].offset, blobs[i].length);
        CHECK(must(open_blob(test_key(), blobs[i], bytes)) == contents[i]);
        CHECK(blobs[i].content_size() == contents[i].size());
        PackedBlob another = blobs[i];
        another.id = Id::of("another");
        CHECK(open_blob(test_key(), another, bytes).error().kind == ErrorKind::corrupt);
        if (!blobs[i].is_compressed()) continue;
        std::string room(contents[i].size(), '\0');
        must(open_blob_into(test_key(), blobs[i], bytes, room));
        CHECK(room == contents[i]);
        CHECK(open_blob_into(test_key(), another, bytes, room).error().kind == ErrorKind::corrupt);
        for (const size_t wrong : {contents[i].size() - 1, contents[i].size() + 1}) {
            room.resize(wrong);
            CHECK(open_blob_into(test_key(), blobs[i], bytes, room).error().kind == ErrorKind::corrupt);
        }
    }
    CHECK(std::ranges::any_of(blobs, &PackedBlob::is_compressed));
}

TEST_CASE("a pack whose header was cut, moved or changed is refused")
{
    const std::string bytes = sample_pack().bytes;
    for (size_t cut = 1; cut + header_length_size < bytes.size(); ++cut) {
        CHECK_FALSE(read_pack(bytes.substr(0, bytes.size() - cut)).has_value());
        CHECK_FALSE(read_pack(bytes.substr(cut)).has_value());
    }
    CHECK_FALSE(read_pack("x" + bytes).has_value());
    CHECK(header_length("xyz", 3).error().kind == ErrorKind::corrupt);
    CHECK(header_length(std::string(4, '\xff'), 1 << 20).error().kind == ErrorKind::corrupt);
}

TEST_CASE("an index is read as it was written, and what makes no sense in it is refused")
{
    const IndexedPack pack = sample_pack().index;
    const IndexedPack other{Id::of("other"), {}};
    const std::vector<IndexedPack> packs = {pack, other};
    std::vector<IndexedPack> read;
    must(read_index(index_text(packs), [&](IndexedPack one) { read.push_back(std::move(one)); }));
    REQUIRE(read.size() == 2);
    CHECK(read[0].id == pack.id);
    CHECK(read[0].blobs == pack.blobs);
    CHECK(read[1].blobs.empty());
    must(read_index(R"({"supersedes":["x",{"id":3}],"packs":[],"new":{"id":1}})", [](const IndexedPack&) {}));

    const std::string id = Id::of("x").hex();
    const auto index = [&](const std::string& blob) {
        return fmt::format(R"({{"packs":[{{"id":"{}","blobs":[{}]}}]}})", id, blob);
    };
    const auto blob = [&](const std::string& type, const std::string& numbers) {
        return fmt::format(R"({{"id":"{}","type":"{}",{}}})", id, type, numbers);
    };
    CHECK(
        read_index(index(blob("data", R"("offset":0,"length":40)")), [](const IndexedPack&) {}).has_value());
    for (const std::string& wrong :
         {std::string(), std::string("{}"), std::string("[]"), index("").substr(1), index("3,"), index("{}"),
          index(blob("odd", R"("offset":0,"length":40)")), index(blob("data", R"("offset":0)")),
          index(blob("data", R"("offset":-1,"length":40)")),
          index(blob("data", R"("offset":0,"length":4000000000)")),
          index(fmt::format(R"({{"id":"{}","type":"data","offset":0,"length":40}})", id.substr(2))),
          std::string(R"({"packs":[{"blobs":[]}]})"), std::string(100, '[')})
        CHECK(read_index(wrong, [](const IndexedPack&) {}).error().kind == ErrorKind::corrupt);
}

TEST_CASE("the table finds every blob, in all its packs, and takes at most 64 bytes for one")
{
    BlobTable table;
    constexpr unsigned packs = 300, each = 1000;
    const auto id_of = [](unsigned pack, unsigned blob) { return Id::of(fmt::format("{}/{}", pack, blob)); };
    for (unsigned pack = 0; pack < packs; ++pack) {
        for (unsigned blob = 0; blob < each; ++blob)
            table.add(Id::of(fmt::format("{}", pack)),
                      {.id = id_of(pack, blob), .offset = blob * 100, .length = 100, .plain_size = blob});
    }
    CHECK(table.size() == packs * each);
    CHECK(table.packs() == packs);
    const double each_takes = static_cast<double>(table.memory()) / static_cast<double>(table.size());
    CHECK(each_takes <= 64.0);
    MESSAGE(each_takes << " bytes a blob");
    for (unsigned pack = 0; pack < packs; pack += 7) {
        const auto found = table.find(BlobType::data, id_of(pack, 17));
        REQUIRE(found.has_value());
        CHECK(found->pack == Id::of(fmt::format("{}", pack)));
        CHECK(found->blob.offset == 1700);
        CHECK_FALSE(table.contains(BlobType::tree, id_of(pack, 17)));
    }
    CHECK_FALSE(table.contains(BlobType::data, Id::of("unknown")));

    // The same place once, another one as well, in the order in which they came.
    const PackedBlob twice{.id = id_of(3, 4), .offset = 400, .length = 100, .plain_size = 4};
    table.add(Id::of("3"), twice);
    table.add(Id::of("elsewhere"), twice);
    CHECK(table.size() == packs * each + 1);
    const auto places = table.find_all(BlobType::data, twice.id);
    REQUIRE(places.size() == 2);
    CHECK(places[0].pack == Id::of("3"));
    CHECK(places[1].pack == Id::of("elsewhere"));
}

TEST_CASE("names of any bytes are written as Go writes them, and read again")
{
    const std::vector<std::pair<std::string, std::string>> names = {{"plain", "plain"},
                                                                    {"a\"b", "a\\\"b"},
                                                                    {"a\\b", "a\\\\b"},
                                                                    {"tab\there", "tab\\there"},
                                                                    {"\x01\x7f", "\\x01\\x7f"},
                                                                    {"\xff\xfe", "\\xff\\xfe"},
                                                                    {"grüße", "grüße"},
                                                                    {"nb\u00a0sp", "nb\\u00a0sp"},
                                                                    {"zero\u200bwidth", "zero\\u200bwidth"},
                                                                    {"\U0001f600", "\U0001f600"},
                                                                    {"\U000e0001", "\\U000e0001"}};
    for (const auto& [bytes, text] : names) {
        CHECK(go_quoted(bytes) == text);
        CHECK(must(go_unquoted(text)) == bytes);
    }
    CHECK(must(go_unquoted("\\101\\'")) == "A'");
    for (const std::string wrong : {"\\", "\\q", "\\x1", "\\u12", "\\ud800", "\\U00110000", "\\400"})
        CHECK(go_unquoted(wrong).error().kind == ErrorKind::corrupt);
    std::string json;
    append_go_json(json, "<a>&\"\\\n\x01\xff\u2028");
    CHECK(json == "\"\\u003ca\\u003e\\u0026\\\"\\\\\\n\\u0001\\ufffd\\u2028\"");
}

TEST_CASE("a tree is read as it was written")
{
    Node file;
    file.name = "file \xff";
    file.mode = 06755;
    file.mtime = must(Timestamp::from_text("1969-12-31T23:59:59.000000001+01:00"));
    file.size = 7;
    file.content = {Id::of("a"), Id::of("b")};
    file.attributes = {{"user.note", std::string("\0x", 2)}, {"security.x", ""}};
    Node folder;
    folder.name = "folder";
    folder.type = NodeType::dir;
    folder.mode = 01777;
    folder.subtree = Id::of("c");
    Node link;
    link.name = "link";
    link.type = NodeType::symlink;
    link.link_target = "to \xfe";
    const std::vector<Node> nodes = {file, folder, link};
    CHECK(must(read_tree(tree_text(nodes))) == nodes);
    CHECK(must(read_tree(R"({"nodes":null})")).empty());
    CHECK(tree_text({}) == "{\"nodes\":[]}\n");
}

TEST_CASE("a tree with entries that no folder can have is refused")
{
    const auto tree = [](const std::string& nodes) { return fmt::format(R"({{"nodes":[{}]}})", nodes); };
    const auto node = [](const std::string& name) {
        return fmt::format(R"({{"name":"{}","type":"file"}})", name);
    };
    CHECK(read_tree(tree(node("fine"))).has_value());
    for (const std::string name : {"", ".", "..", "a/b", "/", "..\\\\x2f", "a\\\\x00b", "\\\\q"})
        CHECK(read_tree(tree(node(name))).error().kind == ErrorKind::corrupt);
    CHECK(read_tree(tree(node("a") + "," + node("a"))).error().kind == ErrorKind::corrupt);
    CHECK(read_tree(tree(R"({"name":"a","type":"odd"})")).error().kind == ErrorKind::corrupt);
    CHECK(read_tree(tree(R"({"name":"a","type":"dir","subtree":"12"})")).error().kind == ErrorKind::corrupt);
    CHECK(read_tree("{}").error().kind == ErrorKind::corrupt);
    CHECK(read_tree("").error().kind == ErrorKind::corrupt);
}

TEST_CASE("points in time are written and read with their zone")
{
    for (const std::string text : {"2026-11-26T10:15:00Z", "1969-07-20T20:17:40.5+02:00",
                                   "0001-01-01T00:00:00Z", "2024-02-29T23:59:59.999999999-11:30"})
        CHECK(must(Timestamp::from_text(text)).text() == text);
    CHECK(must(Timestamp::from_text("1970-01-01T01:00:00+01:00")).seconds == 0);
    CHECK(must(Timestamp::from_text("2026-11-26T10:00:00Z")) ==
          must(Timestamp::from_text("2026-11-26T11:00:00+01:00")));
    for (const std::string wrong :
         {"", "now", "2026-02-30T00:00:00Z", "2026-11-26T10:15:00", "2026-11-26 10:15:00Z",
          "2026-11-26T24:00:00Z", "2026-11-26T10:15:00.Z", "2026-11-26T10:15:00+1:00",
          "2026-11-26T10:15:00Zx", "-026-11-26T10:15:00Z"})
        CHECK(Timestamp::from_text(wrong).error().kind == ErrorKind::corrupt);
}

}  // namespace
}  // namespace belay::backup
