#include "cli/libvirt/document.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "cli/libvirt/characters.h"

namespace strait::libvirt {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return {};
  return std::string(text.substr(start, text.find_last_not_of(kBlank) - start + 1));
}

bool is_element(const pugi::xml_node& node) { return node.type() == pugi::node_element; }
bool is_text(const pugi::xml_node& node) { return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata; }

/// The first piece of text that says something: it stands for all of them.
pugi::xml_node text_of(const pugi::xml_node& node) {
  return node.find_child([](const pugi::xml_node& child) { return is_text(child) && !trimmed(child.value()).empty(); });
}

pugi::xml_node previous_of_name(const pugi::xml_node& node) { return node.previous_sibling(node.name()); }

std::string step_of(const pugi::xml_node& node, bool with_index) {
  if (!with_index || (!previous_of_name(node) && !node.next_sibling(node.name()))) return fmt::format("/{}", node.name());
  std::size_t index = 1;
  for (auto before = previous_of_name(node); before; before = previous_of_name(before)) ++index;
  return fmt::format("/{}[{}]", node.name(), index);
}

std::string path_of(pugi::xml_node node, bool with_indexes) {
  std::string path;
  for (; is_element(node); node = node.parent()) path.insert(0, step_of(node, with_indexes));
  return path;
}

/// Finds the first element that is deeper than all domains are (what walks the tree calls itself), or one too many.
struct Limits : pugi::xml_tree_walker {
  bool for_each(pugi::xml_node& node) override {
    parts += 1 + static_cast<std::size_t>(std::ranges::distance(node.attributes()));
    if (depth() < Document::kMaxDepth && parts <= Document::kMaxParts) return true;
    beyond = node;
    return false;
  }
  pugi::xml_node beyond;
  std::size_t parts = 0;
};

}  // namespace

// ---- Element

std::optional<Element> Element::child(const char* name) const {
  const auto found =
      node_.find_child([&](const pugi::xml_node& child) { return is_element(child) && std::strcmp(child.name(), name) == 0; });
  if (!found) return std::nullopt;
  document_->use(found.internal_object());
  return Element(*document_, found);
}

std::vector<Element> Element::children(const char* name) const {
  std::vector<Element> all;
  for (const pugi::xml_node& child : node_.children(name)) {
    if (!is_element(child)) continue;
    document_->use(child.internal_object());
    all.push_back(Element(*document_, child));
  }
  return all;
}

std::optional<Element> Element::descend(std::initializer_list<const char*> names) const {
  std::optional<Element> found = *this;
  for (const char* name : names) {
    if (found) found = found->child(name);
  }
  return found;
}

std::optional<std::string> Element::attribute(const char* name) const {
  const pugi::xml_attribute found = node_.attribute(name);
  if (!found) return std::nullopt;
  document_->use(found.internal_object());
  return trimmed(found.value());
}

std::string Element::attribute_or(const char* name, std::string_view otherwise) const {
  return attribute(name).value_or(std::string(otherwise));
}

std::string Element::text() const {
  std::string all;
  for (const pugi::xml_node& child : node_.children()) {
    if (is_text(child)) all += child.value();
  }
  if (const auto first = text_of(node_)) document_->use(first.internal_object());
  return trimmed(all);
}

void Element::leave_out(std::string reason, Loss loss) const { document_->leave_out(node_.internal_object(), loss, std::move(reason)); }

void Element::leave_out_as_known() const {
  const Reason reason = reason_for(path_of(node_, false));
  leave_out(std::string(reason.text), reason.loss);
}

void Element::leave_out_attribute(const char* name, std::string reason, Loss loss) const {
  if (const auto found = node_.attribute(name)) document_->leave_out(found.internal_object(), loss, std::move(reason));
}

void Element::leave_out_text(std::string reason, Loss loss) const {
  if (const auto first = text_of(node_)) document_->leave_out(first.internal_object(), loss, std::move(reason));
}

std::string Element::path() const { return path_of(node_, true); }

std::size_t Element::line() const { return document_->line_at(position()); }

std::size_t Element::position() const { return static_cast<std::size_t>(node_.name() - document_->buffer_.data()); }

UsageError Element::error(const std::string& what, const std::string& remedy) const {
  return UsageError(fmt::format("{}, line {}: {}: {}", document_->name_, line(), shown(path(), 200), shown(what, 200)), remedy);
}

// ---- Document

Document::Document(std::string_view text, std::string name, const char* root) : name_(std::move(name)), text_(text), buffer_(text) {
  line_starts_.push_back(0);
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) line_starts_.push_back(at + 1);
  check_text();
  const auto result =
      tree_.load_buffer_inplace(buffer_.data(), buffer_.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
  if (!result) {
    std::string why = result.description();
    why[0] = static_cast<char>(why[0] | 0x20);
    fail(static_cast<std::size_t>(result.offset), fmt::format("no well-formed XML: {}", why), "give what virsh dumpxml prints");
  }
  check_shape(root);
  if (const auto reference = find_invalid_reference(text_)) {
    fail(reference->offset, fmt::format("'{}' stands for no character of XML's", shown(reference->text, 40)),
         "write &amp; where an & is meant");
  }
}

void Document::check_text() const {
  if (text_.size() > kMaxSize) {
    throw UsageError(fmt::format("{}: larger than {} MiB, which no domain is", name_, kMaxSize >> 20), "give what virsh dumpxml prints");
  }
  if (const auto at = find_invalid_character(text_)) {
    fail(*at, fmt::format("a byte {:#04x} that is no UTF-8 text", static_cast<unsigned char>(text_[*at])),
         "save it as UTF-8, which libvirt writes");
  }
}

void Document::check_shape(const char* root) const {
  const auto offset_of = [](const pugi::xml_node& node) {
    return static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0));
  };
  for (const pugi::xml_node& node : tree_.children()) {
    if (node.type() == pugi::node_doctype) {
      fail(offset_of(node), "a document type, which a domain never has", "remove the <!DOCTYPE ...>; its entities would not be put in");
    }
  }
  const pugi::xml_node first = tree_.document_element();
  if (std::strcmp(first.name(), root) != 0) {
    fail(offset_of(first), fmt::format("the root is <{}>, not <{}>", first.name(), root), "give a domain, as virsh dumpxml NAME prints it");
  }
  for (pugi::xml_node next = first.next_sibling(); next; next = next.next_sibling()) {
    if (is_element(next)) fail(offset_of(next), fmt::format("a second root, <{}>", next.name()), "give one domain in each file");
  }
  Limits limits;
  pugi::xml_node(first).traverse(limits);
  if (limits.beyond) {
    fail(offset_of(limits.beyond), fmt::format("more than {} elements in each other, or {} in all", kMaxDepth, kMaxParts),
         "give what virsh dumpxml prints");
  }
}

void Document::fail(std::size_t offset, const std::string& what, const std::string& remedy) const {
  const std::size_t line = line_at(offset);
  const std::size_t column = std::min(offset, text_.size()) - line_starts_[line - 1] + 1;
  throw UsageError(fmt::format("{}, line {}, column {}: {}", name_, line, column, shown(what, 200)), remedy);
}

std::size_t Document::line_at(std::size_t offset) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(line_starts_, offset) - line_starts_.begin());
}

Element Document::root() {
  const pugi::xml_node root = tree_.document_element();
  use(root.internal_object());
  return Element(*this, root);
}

const Document::Fate* Document::fate_of(const void* part) const {
  const auto found = fates_.find(part);
  return found == fates_.end() ? nullptr : &found->second;
}

void Document::note(const Element& near, const std::string& path, std::string reason) {
  notes_.push_back({near.line(), path, Loss::kLost, std::move(reason)});
}

/// Goes through all there is. What is left out is counted with all that is in it.
struct Document::Walk {
  const Document& document;
  Account account;

  static std::size_t size_of(const pugi::xml_node& node) {
    std::size_t size = 1 + (text_of(node) ? 1u : 0u);
    size += static_cast<std::size_t>(std::ranges::distance(node.attributes()));
    for (const pugi::xml_node& child : node.children()) {
      if (is_element(child)) size += size_of(child);
    }
    return size;
  }

  /// A part, by its path in the element. `repeated`: the same is there before, and was used.
  bool is_used(const void* part, const pugi::xml_node& element, const char* name, const std::string& suffix, bool repeated,
               std::size_t size) {
    const Fate* fate = document.fate_of(part);
    if (fate != nullptr && fate->used) {
      ++account.used;
      return true;
    }
    account.left_out += size;
    LeftOut out{document.line_at(static_cast<std::size_t>(name - document.buffer_.data())),
                shown(path_of(element, true) + suffix, 400),
                Loss::kLost,
                {}};
    if (fate != nullptr) {
      out.loss = fate->loss;
      out.reason = shown(fate->reason, 200);
    } else if (repeated) {
      out.reason = "there is one before it, which counts";
    } else {
      const Reason reason = reason_for(path_of(element, false) + suffix);
      out.loss = reason.loss;
      out.reason = reason.text;
    }
    account.list.push_back(std::move(out));
    return false;
  }

  bool used_before(const pugi::xml_node& node) const {
    for (auto before = previous_of_name(node); before; before = previous_of_name(before)) {
      const Fate* fate = document.fate_of(before.internal_object());
      if (fate != nullptr && fate->used) return true;
    }
    return false;
  }

  void visit(const pugi::xml_node& node) {
    if (!is_used(node.internal_object(), node, node.name(), "", used_before(node), size_of(node))) return;
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      const bool repeated = node.attribute(attribute.name()) != attribute;
      is_used(attribute.internal_object(), node, attribute.name(), fmt::format("/@{}", attribute.name()), repeated, 1);
    }
    if (const auto text = text_of(node)) is_used(text.internal_object(), node, node.name(), "/text()", false, 1);
    for (const pugi::xml_node& child : node.children()) {
      if (is_element(child)) visit(child);
    }
  }
};

Document::Account Document::account() const {
  Walk walk{*this, {0, 0, notes_}};
  walk.visit(tree_.document_element());
  return std::move(walk.account);
}

}  // namespace strait::libvirt
