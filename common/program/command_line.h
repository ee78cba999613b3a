// Flags of a command: "--name=value" or "--name value" ("--name" alone for a bool). Everything else is an argument. "--" ends the
// flags.
//
// A value that begins with "--" has to be written as "--name=value". --help and --version belong to every command.
//
// Not thread-safe.
//
//   CommandLine command("semblance search", "IMAGE", "Finds the items most similar to an image.");
//   int top_k = 10;
//   command.AddFlag("top_k", "N", "how many neighbors", &top_k);
//   command.AddExample("semblance search shoe.jpg --top_k=5");
//   absl::StatusOr<std::vector<std::string>> arguments = command.Parse(args);
//
// Errors of Parse: InvalidArgument for an unknown flag or a value that does not parse. The message names it, the flag that was
// probably meant, and how to get help.
#ifndef SEMBLANCE_COMMON_PROGRAM_COMMAND_LINE_H_
#define SEMBLANCE_COMMON_PROGRAM_COMMAND_LINE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance {

class CommandLine {
 public:
  // `arguments` names the arguments that the command takes besides flags. When it is empty, Parse refuses any argument.
  CommandLine(absl::string_view command, absl::string_view arguments, absl::string_view summary);

  // The pointee holds the default, which the help shows, and must outlive Parse. `value` names the value in the help.
  void AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, std::string* target);
  void AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, int* target);
  void AddFlag(absl::string_view name, absl::string_view value, absl::string_view help, double* target);
  void AddFlag(absl::string_view name, absl::string_view help, bool* target);
  // A flag that may be given several times.
  void AddRepeatedFlag(absl::string_view name, absl::string_view value, absl::string_view help, std::vector<std::string>* target);

  void AddExample(absl::string_view example);

  // Returns the arguments. --help and --version set requested_text() and end the parsing.
  absl::StatusOr<std::vector<std::string>> Parse(const std::vector<std::string>& args);

  // Return the texts that the constructor got.
  const std::string& command() const { return command_; }
  const std::string& arguments() const { return arguments_; }

  // The text that --help or --version asked for, which is printed in place of running the command. It is empty when neither was
  // given.
  const std::string& requested_text() const { return requested_text_; }

  // Returns the usage, the flags with their defaults, and the examples.
  std::string Help() const;

  // Returns a text such as "semblance-server 0.1.0".
  std::string VersionText() const;

 private:
  struct Flag {
    std::string name;
    std::string value_name;
    std::string help;
    std::string default_value;
    std::function<bool(absl::string_view)> set;
  };

  // Takes the flag at `args[*index]`. If the next argument is its value, takes that too and sets *index to it.
  absl::Status TakeFlag(const std::vector<std::string>& args, size_t* index);
  absl::Status SetFlag(const Flag& flag, absl::string_view value) const;
  const Flag* FindFlag(absl::string_view name) const;
  absl::Status UnknownFlag(absl::string_view arg, absl::string_view name) const;

  const std::string command_;
  const std::string arguments_;
  const std::string summary_;
  std::vector<Flag> flags_;
  std::vector<std::string> examples_;
  std::string requested_text_;
};

}  // namespace semblance

#endif  // SEMBLANCE_COMMON_PROGRAM_COMMAND_LINE_H_
