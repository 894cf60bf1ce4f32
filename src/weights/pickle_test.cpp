#include "weights/pickle.h"

#include "weights/checkpoint_for_test.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

using test::PickleWriter;

Result<Pickle> parse(std::string_view bytes) {
  ByteReader reader(test::as_bytes(bytes), "weights/evil.pth");
  return read_pickle(reader);
}

TEST(Pickle, ReadsPlainData) {
  const std::string bytes = PickleWriter()
                                .empty_dict()
                                .mark()
                                .text("none")
                                .none()
                                .text("yes")
                                .boolean(true)
                                .text("minus")
                                .integer(-5)
                                .text("real")
                                .raw(std::string_view("G\x40\x09\x00\x00\x00\x00\x00\x00", 9))
                                .text("long")
                                .raw(std::string_view("\x8a\x03\x00\x00\xff", 5))
                                .text("list")
                                .empty_list()
                                .mark()
                                .integer(1)
                                .integer(2)
                                .appends()
                                .text("bytes")
                                .raw(std::string_view("C\x02hi", 4))
                                .set_items()
                                .stop();
  auto pickle = parse(bytes);
  ASSERT_WORKS(pickle);
  const PickleValue& root = pickle->root();
  EXPECT_EQ(pickle->find(root, "none")->kind, PickleKind::none);
  EXPECT_EQ(pickle->find(root, "yes")->integer, 1);
  EXPECT_EQ(pickle->find(root, "minus")->integer, -5);
  EXPECT_EQ(pickle->find(root, "real")->real, 3.125);
  EXPECT_EQ(pickle->find(root, "long")->integer, -65536);
  EXPECT_EQ(pickle->find(root, "list")->items.size(), 2u);
  EXPECT_EQ(pickle->find(root, "bytes")->text, "hi");
  EXPECT_EQ(pickle->find(root, "missing"), nullptr);
}

TEST(Pickle, ReadsProtocol4) {
  // {'a': OrderedDict()} with frame, memoize and STACK_GLOBAL, as Python 3.8 and later write it.
  constexpr char raw[] =
      "\x80\x04\x95\x29\0\0\0\0\0\0\0}\x94\x8c\x01"
      "a\x94\x8c\x0b"
      "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94s.";
  const std::string bytes(raw, sizeof raw - 1);
  auto pickle = parse(bytes);
  ASSERT_WORKS(pickle);
  ASSERT_NE(pickle->find(pickle->root(), "a"), nullptr);
  EXPECT_EQ(pickle->find(pickle->root(), "a")->kind, PickleKind::dict);
}

TEST(Pickle, LaterKeysReplaceEarlierOnes) {
  const std::string bytes =
      PickleWriter().empty_dict().mark().text("a").integer(1).text("a").integer(2).set_items().stop();
  auto pickle = parse(bytes);
  ASSERT_WORKS(pickle);
  EXPECT_EQ(pickle->find(pickle->root(), "a")->integer, 2);
}

TEST(Pickle, CyclesAreHarmless) {
  // a = []; a.append(a)
  auto pickle = parse(PickleWriter().empty_list().raw(std::string_view("q\0h\0a", 5)).stop());
  ASSERT_WORKS(pickle);
  EXPECT_EQ(&(*pickle)[pickle->root().items[0]], &pickle->root());
}

TEST(Pickle, RefusesCodeByName) {
  const auto call = [](std::string_view module, std::string_view name) {
    return PickleWriter().global(module, name).mark().text("touch pwned").tuple().reduce().stop();
  };
  EXPECT_FAILS_WITH(parse(call("os", "system")),
                    "weights/evil.pth: refers to os.system, which is not weight data; nothing was executed");
  EXPECT_FAILS_WITH(parse(call("posix", "system")), "refers to posix.system");
  EXPECT_FAILS_WITH(parse(call("builtins", "eval")), "refers to builtins.eval");
  EXPECT_FAILS_WITH(parse(call("torch", "load")), "refers to torch.load");
  EXPECT_FAILS_WITH(parse(call("torch._utils", "_rebuild_tensor_v2.__globals__")), "refers to torch._utils._rebuild");
  // The dot between module and name is not where the attacker says it is.
  EXPECT_FAILS_WITH(parse(call("torch._utils._rebuild_tensor_v2", "")), "refers to");
  EXPECT_FAILS_WITH(parse(call("collections.Ordered", "Dict")), "refers to");
  // The same through the stack, and through INST and OBJ, which are not known at all.
  EXPECT_FAILS_WITH(parse(PickleWriter().text("os").text("system").raw("\x93").stop()), "refers to os.system");
  EXPECT_FAILS_WITH(parse(PickleWriter().mark().raw("ios\nsystem\n").stop()), "instruction 0x69");
  EXPECT_FAILS_WITH(parse(PickleWriter().mark().raw("o").stop()), "instruction 0x6f");
  EXPECT_FAILS_WITH(parse(PickleWriter().raw("\x82\x01").stop()), "instruction 0x82");
}

TEST(Pickle, MessagesShowOnlyPrintableText) {
  auto result = parse(PickleWriter().global("os\x1b[31m", std::string(500, 'x')).stop());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.find('\x1b'), std::string::npos);
  EXPECT_LT(result.error().message.size(), 400u);
}

TEST(Pickle, RefusesDeepNesting) {
  EXPECT_FAILS_WITH(parse(PickleWriter().raw(std::string(100'000, '(')).stop()), "nested deeper");
  // Tuples in tuples need no marks; they are legal and must not recurse anywhere.
  auto deep = parse(PickleWriter().none().raw(std::string(500'000, '\x85')).stop());
  ASSERT_WORKS(deep);
}

TEST(Pickle, RefusesAmplification) {
  // One long list made into OrderedDicts again and again must not multiply memory.
  PickleWriter pairs;
  pairs.empty_list().mark();
  for (int i = 0; i < 1000; ++i) pairs.integers({1, 2});
  pairs.appends().raw(std::string_view("\x85q\0", 3));
  for (int i = 0; i < 20'000; ++i)
    pairs.global("collections", "OrderedDict").raw(std::string_view("h\0", 2)).reduce().raw("0");
  EXPECT_FAILS_WITH(parse(pairs.stop()), "elements; this is no weight file");
}

TEST(Pickle, MemoIndicesAreNotSizes) {
  auto pickle = parse(PickleWriter().none().raw("r").number(uint32_t{0xfffffff0}).stop());
  ASSERT_WORKS(pickle);
  EXPECT_FAILS_WITH(parse(PickleWriter().raw("j").number(uint32_t{0xfffffff0}).stop()), "memo entry is missing");
}

TEST(Pickle, RefusesHugeLengths) {
  EXPECT_FAILS_WITH(parse(PickleWriter().raw("X").number(uint32_t{0xffffffff}).stop()), "truncated");
  EXPECT_FAILS_WITH(parse(PickleWriter().raw("\x8d").number(~uint64_t{0}).stop()), "truncated");
  EXPECT_FAILS_WITH(parse(PickleWriter().raw("\x8b").number(uint32_t{0xffffffff}).stop()), "truncated");
  EXPECT_FAILS_WITH(parse(PickleWriter().raw("\x95").number(~uint64_t{0}).stop()), "frame is truncated");
}

TEST(Pickle, RefusesMisuse) {
  EXPECT_FAILS_WITH(parse(""), "truncated");
  EXPECT_FAILS_WITH(parse("."), "a value is missing");
  EXPECT_FAILS_WITH(parse(std::string_view("\x80\x09", 2)), "protocol 9");
  EXPECT_FAILS_WITH(parse("\x80\x02t."), "a mark is missing");
  EXPECT_FAILS_WITH(parse(PickleWriter().none().none().stop()), "values are left over");
  EXPECT_FAILS_WITH(parse(PickleWriter().none().none().reduce().stop()), "not a global is called");
  EXPECT_FAILS_WITH(parse(PickleWriter().none().none().raw("a").stop()), "not a list");
  EXPECT_FAILS_WITH(parse(PickleWriter().none().none().none().set_item().stop()), "not a dict");
  EXPECT_FAILS_WITH(parse(PickleWriter().empty_dict().mark().none().set_items().stop()), "no value");
  EXPECT_FAILS_WITH(parse(PickleWriter().integer(1).none().build().stop()), "plain data has attributes");
}

TEST(Pickle, EveryTruncationIsAnError) {
  const std::string bytes =
      PickleWriter().empty_dict().mark().text("w").tensor("FloatStorage", "0", 4, 0, {2, 2}, {2, 1}).set_items().stop();
  ASSERT_WORKS(parse(bytes));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse(std::string_view(bytes).substr(0, size))) << "cut to " << size << " bytes";
}

TEST(Pickle, EverySingleByteChangeIsSurvived) {
  const std::string bytes =
      PickleWriter().empty_dict().mark().text("w").tensor("FloatStorage", "0", 4, 0, {2, 2}, {2, 1}).set_items().stop();
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; value += 5) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(value);
      const auto result = parse(changed);
      EXPECT_TRUE(result || result.error().message.starts_with("weights/evil.pth: "));
    }
  }
}

}  // namespace
}  // namespace framelift
