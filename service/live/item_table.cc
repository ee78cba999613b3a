#include "service/live/item_table.h"

#include <mutex>
#include <utility>

namespace semblance::service {

ItemTable::View::View(ItemTable* table) : table_(table), opened_at_(table->RegisterView()) {}

ItemTable::View::~View() {
  table_->UnregisterView(opened_at_);
}

std::shared_ptr<const ItemRecord> ItemTable::View::Record(uint64_t sequence) const {
  const std::shared_lock lock(table_->mutex_);
  const auto found = table_->records_.find(sequence);
  return found == table_->records_.end() ? nullptr : found->second;
}

void ItemTable::Insert(std::shared_ptr<const ItemRecord> record) {
  const std::unique_lock lock(mutex_);
  sequences_[record->id] = record->sequence;
  records_[record->sequence] = std::move(record);
}

void ItemTable::Retire(uint64_t sequence, uint64_t at) {
  const std::unique_lock lock(mutex_);
  const auto found = records_.find(sequence);
  if (found == records_.end()) {
    return;
  }
  const auto current = sequences_.find(found->second->id);
  if (current != sequences_.end() && current->second == sequence) {
    sequences_.erase(current);
  }
  retired_.push_back({.sequence = sequence, .at = at});
  {
    const std::lock_guard views_lock(views_mutex_);
    retired_until_ = at;
  }
  const uint64_t unreachable = UnreachableUntil();
  while (!retired_.empty() && retired_.front().at <= unreachable) {
    records_.erase(retired_.front().sequence);
    retired_.pop_front();
  }
}

std::optional<uint64_t> ItemTable::SequenceOf(absl::string_view id) const {
  const std::shared_lock lock(mutex_);
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::shared_ptr<const ItemRecord>> ItemTable::Records() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<const ItemRecord>> records;
  records.reserve(sequences_.size());
  for (const auto& [id, sequence] : sequences_) {
    records.push_back(records_.at(sequence));
  }
  return records;
}

size_t ItemTable::size() const {
  const std::shared_lock lock(mutex_);
  return sequences_.size();
}

uint64_t ItemTable::RegisterView() {
  const std::lock_guard lock(views_mutex_);
  ++views_[retired_until_];
  return retired_until_;
}

void ItemTable::UnregisterView(uint64_t opened_at) {
  const std::lock_guard lock(views_mutex_);
  const auto found = views_.find(opened_at);
  if (--found->second == 0) {
    views_.erase(found);
  }
}

uint64_t ItemTable::UnreachableUntil() {
  const std::lock_guard lock(views_mutex_);
  return views_.empty() ? retired_until_ : views_.begin()->first;
}

}  // namespace semblance::service
