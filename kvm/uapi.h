#pragma once

#include <linux/stddef.h>

// Debian 12's kernel headers spell a flexible array in a way that has another size in C++ than in C, where an empty struct takes no
// room; with it the ioctl numbers would change. Later headers are right in both.
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) __extension__ TYPE NAME[0]

#include <linux/kvm.h>

static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8 && sizeof(kvm_irq_routing) == 8);
static_assert(KVM_GET_SUPPORTED_CPUID == 0xc008ae05);
