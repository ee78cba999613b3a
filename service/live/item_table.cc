#include "service/live/item_table.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace semblance::service {

ItemTable::View::View(const ItemTable* table) : table_(table), opened_at_(table->RegisterView()) {}

ItemTable::View::~View() {
  table_->UnregisterView(opened_at_);
}

std::shared_ptr<const ItemRecord> ItemTable::View::Record(uint64_t sequence) const {
  const std::shared_lock lock(table_->mutex_);
  const auto found = table_->records_.find(sequence);
  return found == table_->records_.end() ? nullptr : found->second;
}

std::optional<uint64_t> ItemTable::View::SequenceAt(absl::string_view id, uint64_t at) const {
  const std::shared_lock lock(table_->mutex_);
  const auto last = table_->sequences_.find(id);
  if (last != table_->sequences_.end() && last->second <= at) {
    return last->second;
  }
  const auto earlier = table_->earlier_.find(id);
  if (earlier == table_->earlier_.end()) {
    return std::nullopt;
  }
  const auto after = std::upper_bound(earlier->second.begin(), earlier->second.end(), at);
  return after == earlier->second.begin() ? std::nullopt : std::optional(*std::prev(after));
}

void ItemTable::Insert(std::shared_ptr<const ItemRecord> record) {
  const std::unique_lock lock(mutex_);
  const auto [entry, is_new] = sequences_.try_emplace(record->id, record->sequence);
  if (!is_new) {
    earlier_[record->id].push_back(entry->second);
    entry->second = record->sequence;
  }
  records_[record->sequence] = std::move(record);
}

void ItemTable::Withdraw(uint64_t sequence) {
  const std::unique_lock lock(mutex_);
  const auto found = records_.find(sequence);
  if (found == records_.end()) {
    return;
  }
  const std::string& id = found->second->id;
  const auto earlier = earlier_.find(id);
  if (earlier == earlier_.end() || IsRetired(earlier->second.back())) {
    sequences_.erase(id);
  } else {
    sequences_[id] = earlier->second.back();
    earlier->second.pop_back();
    if (earlier->second.empty()) {
      earlier_.erase(earlier);
    }
  }
  records_.erase(found);
}

void ItemTable::Retire(uint64_t sequence, uint64_t at) {
  const std::unique_lock lock(mutex_);
  const auto found = records_.find(sequence);
  if (found == records_.end()) {
    return;
  }
  const auto last = sequences_.find(found->second->id);
  if (last != sequences_.end() && last->second == sequence) {
    earlier_[found->second->id].push_back(sequence);
    sequences_.erase(last);
  }
  retired_.push_back({.sequence = sequence, .at = at});
  {
    const std::lock_guard views_lock(views_mutex_);
    retired_until_ = at;
  }
  const uint64_t unreachable = UnreachableUntil();
  while (!retired_.empty() && retired_.front().at <= unreachable) {
    DropOldest();
  }
}

bool ItemTable::IsRetired(uint64_t sequence) const {
  return std::any_of(retired_.begin(), retired_.end(), [sequence](const Retired& one) { return one.sequence == sequence; });
}

void ItemTable::DropOldest() {
  const uint64_t sequence = retired_.front().sequence;
  retired_.pop_front();
  const auto record = records_.find(sequence);
  if (record == records_.end()) {
    return;  // It was retired twice.
  }
  const auto earlier = earlier_.find(record->second->id);
  std::deque<uint64_t>& sequences = earlier->second;
  sequences.erase(std::lower_bound(sequences.begin(), sequences.end(), sequence));
  if (sequences.empty()) {
    earlier_.erase(earlier);
  }
  records_.erase(record);
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

uint64_t ItemTable::RegisterView() const {
  const std::lock_guard lock(views_mutex_);
  ++views_[retired_until_];
  return retired_until_;
}

void ItemTable::UnregisterView(uint64_t opened_at) const {
  const std::lock_guard lock(views_mutex_);
  const auto found = views_.find(opened_at);
  if (--found->second == 0) {
    views_.erase(found);
  }
}

uint64_t ItemTable::UnreachableUntil() const {
  const std::lock_guard lock(views_mutex_);
  return views_.empty() ? retired_until_ : views_.begin()->first;
}

}  // namespace semblance::service
