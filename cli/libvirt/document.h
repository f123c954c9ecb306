#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <pugixml.hpp>

#include "base/error.h"
#include "cli/libvirt/left_out.h"

namespace strait::libvirt {

class Document;

/// An element of a Document, which it refers to. Whoever reads an element, an attribute or a text has used it; what nobody reads is in
/// the list of Document::account().
class Element {
 public:
  std::string_view name() const { return node_.name(); }
  /// The first child of that name. Others are then left out.
  std::optional<Element> child(const char* name) const;
  std::vector<Element> children(const char* name) const;
  /// The child of a child, for an element that says nothing itself.
  std::optional<Element> descend(std::initializer_list<const char*> names) const;

  std::optional<std::string> attribute(const char* name) const;
  std::string attribute_or(const char* name, std::string_view otherwise) const;
  /// The text, without white space at its ends.
  std::string text() const;

  /// Says that this element, with all that is in it, is not in the configuration; also where parts of it were read to find that out.
  void leave_out(std::string reason, Loss loss = Loss::kLost) const;
  /// The same for the reason that the table has (reason_for), as if nobody had looked at the element.
  void leave_out_as_known() const;
  /// The same of an attribute, which may be missing, and of the text.
  void leave_out_attribute(const char* name, std::string reason, Loss loss = Loss::kLost) const;
  void leave_out_text(std::string reason, Loss loss = Loss::kLost) const;

  std::string path() const;
  std::size_t line() const;
  /// Where in the file it is, to put elements in order.
  std::size_t position() const;
  /// "FILE, line N: PATH: what; remedy". The name of an attribute, where one is wrong, belongs into `what`.
  UsageError error(const std::string& what, const std::string& remedy) const;

 private:
  friend class Document;
  Element(Document& document, pugi::xml_node node) : document_(&document), node_(node) {}

  Document* document_;
  pugi::xml_node node_;
};

/// A domain's XML, and an account of what of it was used. For one thread.
/// The format: https://libvirt.org/formatdomain.html. Neither a document type nor entities of the document's own are let in.
class Document {
 public:
  static constexpr std::size_t kMaxSize = 4 << 20;
  static constexpr int kMaxDepth = 64;
  static constexpr std::size_t kMaxParts = 20'000;  ///< elements and attributes; naming a part takes a look at its siblings

  /// `name` is how messages call the file. Throws UsageError where the text is no XML, or its root is not `root`.
  Document(std::string_view text, std::string name, const char* root);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  Element root();
  const std::string& name() const { return name_; }

  /// What became of all that the document has.
  struct Account {
    std::size_t used = 0, left_out = 0;  ///< how many elements, attributes and texts
    std::vector<LeftOut> list;           ///< the notes, then what nobody used or was said to be left out, in the document's order
  };
  Account account() const;
  /// A line for the list that is of no part of the document, but of one that is missing from it.
  void note(const Element& near, const std::string& path, std::string reason);

 private:
  friend class Element;
  struct Fate {
    bool used = true;
    Loss loss = Loss::kLost;
    std::string reason;
  };
  struct Walk;

  void check_text() const;
  void check_shape(const char* root) const;
  [[noreturn]] void fail(std::size_t offset, const std::string& what, const std::string& remedy) const;
  void use(const void* part) { fates_.try_emplace(part); }
  void leave_out(const void* part, Loss loss, std::string reason) { fates_[part] = {false, loss, std::move(reason)}; }
  const Fate* fate_of(const void* part) const;
  std::size_t line_at(std::size_t offset) const;

  std::string name_;
  std::string text_;                     ///< as it was read, for line numbers
  std::vector<std::size_t> line_starts_;
  std::string buffer_;                   ///< pugixml's own: the names and values of the tree are in it
  pugi::xml_document tree_;
  std::unordered_map<const void*, Fate> fates_;  ///< by pugixml's objects: nodes, attributes, and an element's first piece of text
  std::vector<LeftOut> notes_;
};

}  // namespace strait::libvirt
