#include "host/checks/check.h"

namespace strait::host {

std::string_view name_of(Status status) {
  switch (status) {
    case Status::kOk: return "ok";
    case Status::kNote: return "note";
    case Status::kUnknown: return "unknown";
    case Status::kWarning: return "warning";
    case Status::kFailed: return "failed";
  }
  return "";
}

std::string_view name_of(CheckKind kind) {
  switch (kind) {
    case CheckKind::kCpu: return "cpu";
    case CheckKind::kKvm: return "kvm";
    case CheckKind::kIommu: return "iommu";
    case CheckKind::kInterruptRemapping: return "interrupt_remapping";
    case CheckKind::kModules: return "modules";
    case CheckKind::kPermissions: return "permissions";
    case CheckKind::kMemlock: return "memlock";
    case CheckKind::kGroup: return "group";
    case CheckKind::kDriver: return "driver";
    case CheckKind::kLink: return "link";
    case CheckKind::kSpeed: return "speed";
  }
  return "";
}

}  // namespace strait::host
