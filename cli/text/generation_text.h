// Generations as text for people.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_TEXT_GENERATION_TEXT_H_
#define SEMBLANCE_CLI_TEXT_GENERATION_TEXT_H_

#include <ostream>
#include <string>

#include "semblance/v1/generation_service.pb.h"

namespace semblance::cli {

// "catching_up".
std::string StateName(v1::GenerationState state);

// "shoes/3"; "shoes" for a bundle without a version.
std::string ModelName(const v1::Generation& generation);

// A table with a line for each, and which are active and previous.
void PrintGenerations(const v1::ListGenerationsResponse& response, std::ostream& out);

// All that is known of one.
void PrintGeneration(const v1::Generation& generation, std::ostream& out);

void PrintEvaluation(const v1::GenerationEvaluation& evaluation, std::ostream& out);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_GENERATION_TEXT_H_
