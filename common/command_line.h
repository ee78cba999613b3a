// Flags of a command: "--name=value" (or "--name" for a bool), everything else is an argument, "--" ends the flags.
//
// Not thread-safe.
//
//   CommandLine command("semblance search", "IMAGE", "Finds the items most similar to an image.");
//   int top_k = 10;
//   command.AddFlag("top_k", "N", "how many neighbours", &top_k);
//   command.AddExample("semblance search shoe.jpg --top_k=5");
//   absl::StatusOr<std::vector<std::string>> arguments = command.Parse(args);
//
// Errors of Parse: InvalidArgument for an unknown flag or a value that does not parse, naming it and how to get help.
#ifndef SEMBLANCE_COMMON_COMMAND_LINE_H_
#define SEMBLANCE_COMMON_COMMAND_LINE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance {

class CommandLine {
 public:
  // `arguments` names what the command takes besides flags; empty: nothing, and Parse refuses any.
  CommandLine(absl::string_view command, absl::string_view arguments, absl::string_view summary);

  // The pointee holds the default, which the help shows, and must outlive Parse. `value` names the value in the help.
  void AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, std::string* target);
  void AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, int* target);
  void AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, double* target);
  void AddFlag(absl::string_view name, absl::string_view help, bool* target);
  // May be given several times; "--name value" is understood too.
  void AddRepeatedFlag(absl::string_view name, absl::string_view value, absl::string_view help, std::vector<std::string>* target);

  void AddExample(absl::string_view example);

  // Returns the arguments. --help sets help_requested() and ends the parsing.
  absl::StatusOr<std::vector<std::string>> Parse(const std::vector<std::string>& args);

  // As given to the constructor.
  const std::string& command() const { return command_; }
  const std::string& arguments() const { return arguments_; }

  bool help_requested() const { return help_requested_; }

  // Usage, flags with their defaults, examples.
  std::string Help() const;

 private:
  struct Flag {
    std::string name;
    std::string value_name;
    std::string help;
    std::string default_value;
    bool takes_next = false;
    std::function<bool(absl::string_view)> set;
  };

  absl::Status SetFlag(const Flag& flag, absl::string_view value) const;
  const Flag* FindFlag(absl::string_view name) const;

  const std::string command_;
  const std::string arguments_;
  const std::string summary_;
  std::vector<Flag> flags_;
  std::vector<std::string> examples_;
  bool help_requested_ = false;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_COMMAND_LINE_H_
