#include "tests/proto/api_rules.h"

#include <functional>
#include <regex>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/descriptor.pb.h"

namespace semblance::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::SourceLocation;

constexpr char kLowerSnakeCase[] = "[a-z][a-z0-9]*(_[a-z0-9]+)*";
constexpr char kUpperSnakeCase[] = "[A-Z][A-Z0-9]*(_[A-Z0-9]+)*";
constexpr char kPascalCase[] = "[A-Z][A-Za-z0-9]*";

// Turns ResizeMode into RESIZE_MODE.
std::string UpperSnakeCase(const std::string& pascal) {
  std::string result;
  for (size_t i = 0; i < pascal.size(); ++i) {
    if (i > 0 && absl::ascii_isupper(pascal[i]) && !absl::ascii_isupper(pascal[i - 1])) {
      result += '_';
    }
    result += absl::ascii_toupper(pascal[i]);
  }
  return result;
}

// Calls `visit` on the message and on those inside it, but not on the entries of map fields.
void ForEachMessage(const Descriptor& message, const std::function<void(const Descriptor&)>& visit) {
  if (message.options().map_entry()) {
    return;
  }
  visit(message);
  for (int i = 0; i < message.nested_type_count(); ++i) {
    ForEachMessage(*message.nested_type(i), visit);
  }
}

void ForEachMessage(const FileDescriptor& file, const std::function<void(const Descriptor&)>& visit) {
  for (int i = 0; i < file.message_type_count(); ++i) {
    ForEachMessage(*file.message_type(i), visit);
  }
}

void ForEachEnum(const FileDescriptor& file, const std::function<void(const EnumDescriptor&)>& visit) {
  for (int i = 0; i < file.enum_type_count(); ++i) {
    visit(*file.enum_type(i));
  }
  ForEachMessage(file, [&](const Descriptor& message) {
    for (int i = 0; i < message.enum_type_count(); ++i) {
      visit(*message.enum_type(i));
    }
  });
}

void ForEachField(const FileDescriptor& file, const std::function<void(const FieldDescriptor&)>& visit) {
  ForEachMessage(file, [&](const Descriptor& message) {
    for (int i = 0; i < message.field_count(); ++i) {
      visit(*message.field(i));
    }
  });
}

void ForEachMethod(const FileDescriptor& file, const std::function<void(const MethodDescriptor&)>& visit) {
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      visit(*file.service(i)->method(j));
    }
  }
}

class Conventions {
 public:
  void Check(const FileDescriptor& file) {
    CheckPackage(file);
    for (int i = 0; i < file.service_count(); ++i) {
      CheckService(*file.service(i));
    }
    ForEachMethod(file, [this](const MethodDescriptor& method) { CheckMethod(method); });
    ForEachMessage(file, [this](const Descriptor& message) { CheckMessage(message); });
    ForEachEnum(file, [this](const EnumDescriptor& type) { CheckEnum(type); });
  }

  const std::vector<std::string>& violations() const { return violations_; }

 private:
  void Expect(bool holds, const std::string& element, const std::string& rule) {
    if (!holds) {
      violations_.push_back(absl::StrCat(element, ": ", rule));
    }
  }

  void ExpectName(const std::string& name, const char* pattern, const std::string& element) {
    Expect(std::regex_match(name, std::regex(pattern)), element, absl::StrCat("the name does not match ", pattern));
  }

  void CheckPackage(const FileDescriptor& file) {
    const std::string folder = absl::StrReplaceAll(file.package(), {{".", "/"}});
    const std::string stem = absl::StrReplaceAll(file.name(), {{folder + "/", ""}, {".proto", ""}});
    ExpectName(stem, kLowerSnakeCase, file.name());
    Expect(absl::StrCat(folder, "/", stem, ".proto") == file.name(), file.name(), "the folder is not that of the package");
    Expect(std::regex_search(file.package(), std::regex("\\.v[1-9][0-9]*$")), file.name(), "the package has no version");
    Expect(file.public_dependency_count() == 0 && file.weak_dependency_count() == 0, file.name(), "imports public or weak");
    Expect(file.syntax() == FileDescriptor::SYNTAX_PROTO3, file.name(), "the syntax is not proto3");
  }

  void CheckService(const ServiceDescriptor& service) {
    ExpectName(service.name(), kPascalCase, service.full_name());
    Expect(absl::EndsWith(service.name(), "Service"), service.full_name(), "the name does not end in Service");
  }

  void CheckMethod(const MethodDescriptor& method) {
    ExpectName(method.name(), kPascalCase, method.full_name());
    CheckMethodType(method, *method.input_type(), "Request");
    CheckMethodType(method, *method.output_type(), "Response");
  }

  void CheckMethodType(const MethodDescriptor& method, const Descriptor& type, const char* suffix) {
    Expect(type.name() == method.name() + suffix, method.full_name(), absl::StrCat("uses ", type.name()));
    Expect(method_types_.insert(&type).second, method.full_name(), absl::StrCat("shares ", type.name(), " with another rpc"));
  }

  void CheckMessage(const Descriptor& message) {
    ExpectName(message.name(), kPascalCase, message.full_name());
    for (int i = 0; i < message.field_count(); ++i) {
      ExpectName(message.field(i)->name(), kLowerSnakeCase, message.field(i)->full_name());
    }
    for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
      ExpectName(message.oneof_decl(i)->name(), kLowerSnakeCase, message.oneof_decl(i)->full_name());
    }
  }

  void CheckEnum(const EnumDescriptor& type) {
    const std::string prefix = UpperSnakeCase(type.name()) + "_";
    ExpectName(type.name(), kPascalCase, type.full_name());
    Expect(!type.options().allow_alias(), type.full_name(), "allows aliases");
    Expect(type.value(0)->name() == prefix + "UNSPECIFIED", type.value(0)->full_name(), "zero is not ..._UNSPECIFIED");
    for (int i = 0; i < type.value_count(); ++i) {
      ExpectName(type.value(i)->name(), kUpperSnakeCase, type.value(i)->full_name());
      Expect(absl::StartsWith(type.value(i)->name(), prefix), type.value(i)->full_name(), "does not start with " + prefix);
    }
  }

  std::set<const Descriptor*> method_types_;
  std::vector<std::string> violations_;
};

template <typename Element>
bool HasComment(const Element& element) {
  SourceLocation location;
  return element.GetSourceLocation(&location) && !(location.leading_comments + location.trailing_comments).empty();
}

bool IsScalar(const FieldDescriptor& field) {
  return field.message_type() == nullptr && field.enum_type() == nullptr;
}

bool IsExplainedByOneof(const FieldDescriptor& field) {
  return field.real_containing_oneof() != nullptr && HasComment(*field.real_containing_oneof());
}

class Comments {
 public:
  explicit Comments(const ProtoFiles& files) {
    for (const FileDescriptor* file : files) {
      ForEachMethod(*file, [this](const MethodDescriptor& method) {
        method_types_.insert(method.input_type());
        method_types_.insert(method.output_type());
      });
      ForEachField(*file, [this](const FieldDescriptor& field) {
        if (HasComment(field)) {
          explained_fields_.insert(field.name());
        }
      });
    }
  }

  void Check(const FileDescriptor& file) {
    for (int i = 0; i < file.service_count(); ++i) {
      Expect(HasComment(*file.service(i)), file.service(i)->full_name());
    }
    ForEachMethod(file, [this](const MethodDescriptor& method) { Expect(HasComment(method), method.full_name()); });
    ForEachMessage(file, [this](const Descriptor& message) {
      Expect(HasComment(message) || method_types_.count(&message) > 0, message.full_name());
    });
    ForEachEnum(file, [this](const EnumDescriptor& type) { Expect(HasComment(type), type.full_name()); });
    ForEachField(file, [this](const FieldDescriptor& field) {
      const bool explained = explained_fields_.count(field.name()) > 0 || IsExplainedByOneof(field);
      Expect(explained || !IsScalar(field), field.full_name());
    });
  }

  const std::vector<std::string>& violations() const { return violations_; }

 private:
  void Expect(bool holds, const std::string& element) {
    if (!holds) {
      violations_.push_back(element + ": has no comment");
    }
  }

  std::set<const Descriptor*> method_types_;
  std::set<std::string> explained_fields_;
  std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> ConventionViolations(const ProtoFiles& files) {
  Conventions conventions;
  for (const FileDescriptor* file : files) {
    conventions.Check(*file);
  }
  return conventions.violations();
}

std::vector<std::string> CommentViolations(const ProtoFiles& files) {
  Comments comments(files);
  for (const FileDescriptor* file : files) {
    comments.Check(*file);
  }
  return comments.violations();
}

}  // namespace semblance::testing
