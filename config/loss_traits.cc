#include "config/loss_traits.h"

#include <google/protobuf/descriptor.h>

#include "absl/strings/str_cat.h"

namespace semblance::config {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::OneofDescriptor;
using v1::LossConfig;
using v1::LossTraits;

const OneofDescriptor* Kinds() {
  return LossConfig::descriptor()->FindOneofByName("kind");
}

// Null when the config chooses no loss.
const FieldDescriptor* ChosenField(const LossConfig& loss) {
  return loss.GetReflection()->GetOneofFieldDescriptor(loss, Kinds());
}

const LossTraits& TraitsOf(const FieldDescriptor* field) {
  return field->options().GetExtension(v1::loss_traits);
}

std::string PathOf(const FieldDescriptor* field) {
  return absl::StrCat("loss.", field->name());
}

}  // namespace

bool UsesProxies(const LossConfig& loss) {
  const FieldDescriptor* const field = ChosenField(loss);
  return field == nullptr || TraitsOf(field).compared_with() == LossTraits::COMPARED_WITH_PROXIES;
}

bool TakesTriplets(const LossConfig& loss) {
  return TraitsOf(ChosenField(loss)).takes_triplets();
}

std::string PathOfLoss(const LossConfig& loss) {
  return PathOf(ChosenField(loss));
}

std::vector<std::string> PathsOfLossesOnTriplets() {
  std::vector<std::string> paths;
  for (int i = 0; i < Kinds()->field_count(); ++i) {
    if (TraitsOf(Kinds()->field(i)).takes_triplets()) {
      paths.push_back(PathOf(Kinds()->field(i)));
    }
  }
  return paths;
}

}  // namespace semblance::config
