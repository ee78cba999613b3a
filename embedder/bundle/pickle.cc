#include "embedder/bundle/pickle.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace semblance::embedder {
namespace {

using Kind = PickleValue::Kind;
using Items = std::vector<const PickleValue*>;

constexpr char kOrderedDict[] = "collections.OrderedDict";
constexpr size_t kMaxGlobalSize = 1000;

// A stack machine. Every opcode makes at most one value, and pops only existing values. So the length of the input bounds the
// memory.
class PickleMachine {
 public:
  explicit PickleMachine(absl::string_view bytes) : bytes_(bytes) {}

  absl::StatusOr<Pickle> Run() {
    while (!done_) {
      const size_t start = position_;
      const auto opcode = static_cast<uint8_t>(Number(1));
      if (broken_ || !Execute(opcode) || broken_) {
        return absl::DataLossError(absl::StrCat("the pickle is damaged, or of no known kind, at its byte ", start));
      }
    }
    pickle_.root = Pop();
    pickle_.size = position_;
    if (broken_) {
      return absl::DataLossError("the pickle is empty");
    }
    return std::move(pickle_);
  }

 private:
  // Takes the next bytes. At the end it returns nothing and sets broken_.
  absl::string_view Take(uint64_t size) {
    if (size > bytes_.size() - position_) {
      broken_ = true;
      return "";
    }
    const absl::string_view taken = bytes_.substr(position_, size);
    position_ += size;
    return taken;
  }

  // Takes an unsigned little-endian number.
  uint64_t Number(size_t size) {
    uint64_t number = 0;
    size_t shift = 0;
    for (const char byte : Take(size)) {
      number |= uint64_t{static_cast<uint8_t>(byte)} << shift;
      shift += 8;
    }
    return number;
  }

  absl::string_view Line() {
    const absl::string_view rest = bytes_.substr(position_);
    const absl::string_view line = Take(rest.find('\n'));  // Take fails for npos.
    Take(1);
    return line;
  }

  PickleValue* New(Kind kind) {
    pickle_.values.push_back(std::make_unique<PickleValue>());
    pickle_.values.back()->kind = kind;
    stack_.push_back(pickle_.values.back().get());
    return stack_.back();
  }

  bool NewInteger(int64_t integer) {
    New(Kind::kInteger)->integer = integer;
    return true;
  }

  bool NewText(Kind kind, absl::string_view text) {
    New(kind)->text = std::string(text);
    return true;
  }

  bool NewItems(Kind kind, Items items) {
    New(kind)->items = std::move(items);
    return true;
  }

  PickleValue* Pop() {
    // Values below the last mark must not be popped before the mark.
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      broken_ = true;
      return &nothing_;
    }
    PickleValue* const value = stack_.back();
    stack_.pop_back();
    return value;
  }

  PickleValue* Top() {
    PickleValue* const value = Pop();
    if (!broken_) {
      stack_.push_back(value);
    }
    return value;
  }

  Items PopItems(size_t count) {
    Items items(count);
    for (size_t i = count; i > 0; --i) {
      items[i - 1] = Pop();
    }
    return items;
  }

  Items PopToMark() {
    if (marks_.empty()) {
      broken_ = true;
      return {};
    }
    const size_t mark = marks_.back();
    Items items(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    stack_.resize(mark);
    marks_.pop_back();
    return items;
  }

  // Appends items to the value on top if it has this kind. Otherwise it is an object, and its items are not needed.
  bool Extend(Kind kind, const Items& items) {
    PickleValue* const owner = Top();
    if (owner->kind == kind) {
      owner->items.insert(owner->items.end(), items.begin(), items.end());
    }
    return kind != Kind::kDict || items.size() % 2 == 0;
  }

  bool Long(uint64_t size) {
    const absl::string_view digits = Take(size);
    if (digits.size() > 8) {
      return NewText(Kind::kText, digits);
    }
    uint64_t number = digits.empty() || static_cast<int8_t>(digits.back()) >= 0 ? 0 : ~uint64_t{0};
    for (size_t i = digits.size(); i > 0; --i) {
      number = number << 8 | static_cast<uint8_t>(digits[i - 1]);
    }
    return NewInteger(static_cast<int64_t>(number));
  }

  bool Call() {
    const PickleValue* const arguments = Pop();
    const PickleValue* const callee = Pop();
    if (callee->kind != Kind::kGlobal || callee->text != kOrderedDict) {
      return NewItems(Kind::kCall, {callee, arguments});
    }
    PickleValue* const dict = New(Kind::kDict);
    if (arguments->items.empty()) {
      return true;
    }
    // Python 2 writes OrderedDict([[key, value], ...]).
    for (const PickleValue* const pair : arguments->items[0]->items) {
      if (pair->items.size() != 2 || ++copied_pairs_ > bytes_.size()) {
        return false;
      }
      dict->items.insert(dict->items.end(), pair->items.begin(), pair->items.end());
    }
    return true;
  }

  bool Global() {
    const absl::string_view module = Line();
    return NewText(Kind::kGlobal, absl::StrCat(module, ".", Line()));
  }

  bool StackGlobal() {
    const PickleValue* const name = Pop();
    const PickleValue* const module = Pop();
    if (module->text.size() + name->text.size() > kMaxGlobalSize) {
      return false;
    }
    return NewText(Kind::kGlobal, absl::StrCat(module->text, ".", name->text));
  }

  bool Memoize(uint64_t key) {
    memo_[key] = Top();
    return true;
  }

  bool Recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) {
      return false;
    }
    stack_.push_back(found->second);
    return true;
  }

  bool Mark() {
    marks_.push_back(stack_.size());
    return true;
  }

  // Turns a call whose result means nothing into a successful step.
  static bool Done(const void*) { return true; }

  bool Execute(uint8_t opcode) {
    const std::optional<bool> as_value = ExecuteValue(opcode);
    return as_value.has_value() ? *as_value : ExecuteStackWork(opcode);
  }

  // Executes opcodes that push a value which they contain. Returns nullopt for other opcodes.
  std::optional<bool> ExecuteValue(uint8_t opcode) {
    switch (opcode) {
      case 'N':
        return Done(New(Kind::kNone));
      case 0x88:
        return NewInteger(1);
      case 0x89:
        return NewInteger(0);
      case 'K':
        return NewInteger(static_cast<int64_t>(Number(1)));
      case 'M':
        return NewInteger(static_cast<int64_t>(Number(2)));
      case 'J':
        return NewInteger(static_cast<int32_t>(Number(4)));
      case 0x8a:
        return Long(Number(1));
      case 'G':
        return Done(Take(8).data()) && Done(New(Kind::kOther));
      case 'X':  // Text.
      case 'T':  // Python 2's strings.
      case 'B':  // Bytes.
        return NewText(Kind::kText, Take(Number(4)));
      case 0x8c:
      case 'U':
      case 'C':
        return NewText(Kind::kText, Take(Number(1)));
      case ')':
      case ']':
        return NewItems(Kind::kSequence, {});
      case '}':
        return NewItems(Kind::kDict, {});
      case 'c':
        return Global();
      default:
        return std::nullopt;
    }
  }

  // Executes opcodes that use values on the stack.
  bool ExecuteStackWork(uint8_t opcode) {
    switch (opcode) {
      case 0x80:  // Protocol.
        return Number(1) <= 5;
      case 0x95:  // Frame, with its length.
        return Done(Take(8).data());
      case '.':
        return done_ = true;
      case '(':
        return Mark();
      case '0':
        return Done(Pop());
      case 't':
        return NewItems(Kind::kSequence, PopToMark());
      case 0x85:
      case 0x86:
      case 0x87:
        return NewItems(Kind::kSequence, PopItems(opcode - 0x84U));
      case 'a':
        return Extend(Kind::kSequence, PopItems(1));
      case 'e':
        return Extend(Kind::kSequence, PopToMark());
      case 's':
        return Extend(Kind::kDict, PopItems(2));
      case 'u':
        return Extend(Kind::kDict, PopToMark());
      case 'q':
        return Memoize(Number(1));
      case 'r':
        return Memoize(Number(4));
      case 0x94:
        return Memoize(memo_.size());
      case 'h':
        return Recall(Number(1));
      case 'j':
        return Recall(Number(4));
      case 0x93:
        return StackGlobal();
      case 'Q':
        return NewItems(Kind::kPersistentId, PopItems(1));
      case 'R':
      case 0x81:  // Makes an object from its class and arguments.
        return Call();
      case 'b':  // Sets attributes of an object, which are not needed.
        return Done(Pop()) && Done(Top());
      default:
        return false;
    }
  }

  const absl::string_view bytes_;
  size_t position_ = 0;
  bool broken_ = false;
  bool done_ = false;
  Pickle pickle_;
  PickleValue nothing_;
  std::vector<PickleValue*> stack_;
  // The sizes of the stack at the marks.
  std::vector<size_t> marks_;
  std::map<uint64_t, PickleValue*> memo_;
  // Bounds the total size of copies by the input size, so that a pickle cannot grow a dict by referring to one list repeatedly.
  size_t copied_pairs_ = 0;
};

}  // namespace

absl::StatusOr<Pickle> ParsePickle(absl::string_view bytes) {
  return PickleMachine(bytes).Run();
}

}  // namespace semblance::embedder
