#include "collector/storage/sql/project_table.h"

#include <string>

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kSelectProject = R"(
  SELECT id, name, created_at,
         coalesce((SELECT public_key FROM project_key WHERE project_id = project.id AND is_active <> 0
                   ORDER BY created_at, public_key LIMIT 1), '')
  FROM live_project AS project)";

Project read_project(const Statement& row) {
  Project project;
  project.id = row.integer(0);
  project.name = row.text(1);
  project.created_at = row.integer(2);
  project.public_key = row.text(3);
  return project;
}

std::optional<Project> find_one(Statement& statement) {
  if (!statement.step()) return std::nullopt;
  return read_project(statement);
}

}  // namespace

std::optional<Project> create_project(Connection& connection, std::string_view name, std::string_view public_key,
                                      UnixMillis now) {
  Transaction transaction(connection);
  Statement insert =
      connection.prepare("INSERT INTO project (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id");
  insert.bind(name, now);
  if (!insert.step()) return std::nullopt;
  Project project;
  project.id = insert.integer(0);
  insert.reset();
  project.name = name;
  project.public_key = public_key;
  project.created_at = now;
  connection.prepare("INSERT INTO project_key (public_key, project_id, created_at) VALUES (?, ?, ?)")
      .bind(public_key, project.id, now)
      .run();
  transaction.commit();
  return project;
}

std::vector<Project> list_projects(Connection& connection) {
  Statement statement = connection.prepare(std::string(kSelectProject) + " ORDER BY name");
  std::vector<Project> projects;
  while (statement.step()) projects.push_back(read_project(statement));
  return projects;
}

std::optional<Project> find_project(Connection& connection, ProjectId id) {
  Statement statement = connection.prepare(std::string(kSelectProject) + " WHERE id = ?");
  statement.bind(id);
  return find_one(statement);
}

std::optional<Project> find_project_by_key(Connection& connection, std::string_view public_key) {
  Statement statement =
      connection.prepare(std::string(kSelectProject) +
                         " WHERE id = (SELECT project_id FROM project_key WHERE public_key = ? AND is_active <> 0)");
  statement.bind(public_key);
  return find_one(statement);
}

}  // namespace trapline::collector::sql
