// Training jobs as text for people.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_TEXT_JOB_TEXT_H_
#define SEMBLANCE_CLI_TEXT_JOB_TEXT_H_

#include <ostream>
#include <string>

#include "semblance/v1/training_service.pb.h"

namespace semblance::cli {

// "running".
std::string StateName(v1::TrainingJobState state);

// "epoch 3/10, loss 0.1234, recall@1 0.8125, 512 images/s", of what is known.
std::string Measurements(const v1::TrainingProgress& progress);

// A table with a line for each.
void PrintJobs(const v1::ListTrainingJobsResponse& response, std::ostream& out);

// All that is known of one, and the end of its log.
void PrintJob(const v1::GetTrainingJobResponse& response, std::ostream& out);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_JOB_TEXT_H_
