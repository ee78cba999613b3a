#include "common/program/command_line.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/program/spelling.h"
#include "common/program/version.h"

namespace semblance {

CommandLine::CommandLine(absl::string_view command, absl::string_view arguments, absl::string_view summary)
    : command_(command), arguments_(arguments), summary_(summary) {}

void CommandLine::AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, std::string* target) {
  flags_.push_back({std::string(name), std::string(value), std::string(help), *target, [target](absl::string_view text) {
                      *target = std::string(text);
                      return true;
                    }});
}

void CommandLine::AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, int* target) {
  flags_.push_back({std::string(name), std::string(value), std::string(help), absl::StrCat(*target),
                    [target](absl::string_view text) { return absl::SimpleAtoi(text, target); }});
}

void CommandLine::AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, double* target) {
  flags_.push_back({std::string(name), std::string(value), std::string(help), absl::StrCat(*target),
                    [target](absl::string_view text) { return absl::SimpleAtod(text, target); }});
}

void CommandLine::AddFlag(absl::string_view name, absl::string_view help, bool* target) {
  flags_.push_back({std::string(name), "", std::string(help), "",
                    [target](absl::string_view text) { return text.empty() ? (*target = true) : absl::SimpleAtob(text, target); }});
}

void CommandLine::AddRepeatedFlag(absl::string_view name, absl::string_view value, absl::string_view help,
                                  std::vector<std::string>* target) {
  flags_.push_back({std::string(name), std::string(value), std::string(help), "", [target](absl::string_view text) {
                      target->emplace_back(text);
                      return true;
                    }});
}

void CommandLine::AddExample(absl::string_view example) {
  examples_.emplace_back(example);
}

const CommandLine::Flag* CommandLine::FindFlag(absl::string_view name) const {
  const auto found = std::find_if(flags_.begin(), flags_.end(), [name](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

absl::Status CommandLine::SetFlag(const Flag& flag, absl::string_view value) const {
  if ((value.empty() && !flag.value_name.empty() && !flag.default_value.empty()) || !flag.set(value)) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag.name, "=", value, " does not parse as ",
                                                   flag.value_name.empty() ? "true or false" : flag.value_name));
  }
  return absl::OkStatus();
}

absl::Status CommandLine::UnknownFlag(absl::string_view arg, absl::string_view name) const {
  std::vector<std::string> names = {"help", "version"};
  for (const Flag& flag : flags_) {
    names.push_back(flag.name);
  }
  const std::optional<std::string> meant = ClosestSpelling(name, names);
  return absl::InvalidArgumentError(absl::StrCat("there is no flag ", arg, "; ",
                                                 meant.has_value() ? absl::StrCat("did you mean --", *meant, "? See ") : "see ",
                                                 command_, " --help"));
}

absl::Status CommandLine::TakeFlag(const std::vector<std::string>& args, size_t* index) {
  const absl::string_view arg = args[*index];
  const absl::string_view text = absl::StripPrefix(arg, "--");
  const size_t equals = text.find('=');
  const absl::string_view name = text.substr(0, equals);
  const Flag* flag = absl::StartsWith(arg, "--") ? FindFlag(name) : nullptr;
  if (flag == nullptr) {
    return UnknownFlag(arg, absl::StripPrefix(name, "-"));
  }
  if (equals != absl::string_view::npos) {
    return SetFlag(*flag, text.substr(equals + 1));
  }
  if (flag->value_name.empty()) {
    return SetFlag(*flag, "");
  }
  if (*index + 1 >= args.size() || absl::StartsWith(args[*index + 1], "--")) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag->name, " needs a value: --", flag->name, "=", flag->value_name));
  }
  return SetFlag(*flag, args[++*index]);
}

absl::StatusOr<std::vector<std::string>> CommandLine::Parse(const std::vector<std::string>& args) {
  std::vector<std::string> positional;
  bool flags_ended = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (flags_ended || !absl::StartsWith(arg, "-") || arg == "-") {
      positional.push_back(arg);
    } else if (arg == "--help" || arg == "-h") {
      requested_text_ = Help();
      return positional;
    } else if (arg == "--version") {
      requested_text_ = VersionText();
      return positional;
    } else if (arg == "--") {
      flags_ended = true;
    } else if (const absl::Status status = TakeFlag(args, &i); !status.ok()) {
      return status;
    }
  }
  if (arguments_.empty() && !positional.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command_, " takes no argument \"", positional.front(), "\"; see ", command_, " --help"));
  }
  return positional;
}

std::string CommandLine::VersionText() const {
  return absl::StrCat(command_.substr(0, command_.find(' ')), " ", Version(), "\n");
}

std::string CommandLine::Help() const {
  std::string help = absl::StrCat(summary_, "\n\nUsage: ", command_);
  absl::StrAppend(&help, flags_.empty() ? "" : " [FLAGS]", arguments_.empty() ? "" : " ", arguments_, "\n\nFlags:\n");
  const bool is_program = !absl::StrContains(command_, ' ');
  size_t width = is_program ? 9 : 6;
  const auto heading = [](const Flag& flag) {
    return absl::StrCat("--", flag.name, flag.value_name.empty() ? "" : "=", flag.value_name);
  };
  for (const Flag& flag : flags_) {
    width = std::max(width, heading(flag).size());
  }
  for (const Flag& flag : flags_) {
    const std::string name = heading(flag);
    absl::StrAppend(&help, "  ", name, std::string(width - name.size() + 2, ' '), flag.help);
    absl::StrAppend(&help, flag.default_value.empty() ? "" : absl::StrCat(" (default ", flag.default_value, ")"), "\n");
  }
  absl::StrAppend(&help, "  --help", std::string(width - 4, ' '), "shows this\n");
  if (is_program) {
    absl::StrAppend(&help, "  --version", std::string(width - 7, ' '), "prints the version\n");
  }
  if (!examples_.empty()) {
    absl::StrAppend(&help, "\nExamples:\n");
    for (const std::string& example : examples_) {
      absl::StrAppend(&help, "  ", example, "\n");
    }
  }
  return help;
}

}  // namespace semblance
