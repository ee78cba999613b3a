// Formats generations as text for people.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_TEXT_GENERATION_TEXT_H_
#define SEMBLANCE_CLI_TEXT_GENERATION_TEXT_H_

#include <ostream>
#include <string>

#include "semblance/v1/generation_service.pb.h"

namespace semblance::cli {

// Returns text such as "catching_up".
std::string StateName(v1::GenerationState state);

// Returns "shoes/3", or "shoes" for a bundle without a version.
std::string ModelName(const v1::Generation& generation);

// Prints a table with a line for each generation, and names the one that a rollback would activate.
void PrintGenerations(const v1::ListGenerationsResponse& response, std::ostream& out);

// Prints all that is known about a generation.
void PrintGeneration(const v1::Generation& generation, std::ostream& out);

void PrintEvaluation(const v1::GenerationEvaluation& evaluation, std::ostream& out);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_GENERATION_TEXT_H_
