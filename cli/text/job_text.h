// Formats training jobs as text for people.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_CLI_TEXT_JOB_TEXT_H_
#define SEMBLANCE_CLI_TEXT_JOB_TEXT_H_

#include <ostream>
#include <string>

#include "semblance/v1/training_service.pb.h"

namespace semblance::cli {

// Returns text such as "running".
std::string StateName(v1::TrainingJobState state);

// Returns text such as "epoch 3/10, loss 0.1234, recall@1 0.8125, 512 images/s". Values that are not known are left out.
std::string Measurements(const v1::TrainingProgress& progress);

// Prints a table with a line for each job.
void PrintJobs(const v1::ListTrainingJobsResponse& response, std::ostream& out);

// Prints all that is known about a job, and the end of its log.
void PrintJob(const v1::GetTrainingJobResponse& response, std::ostream& out);

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_JOB_TEXT_H_
