//! Starts `presync lsp` for Zed.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{Command, Extension, LanguageServerId, Result, Worktree, register_extension};

struct Presync;

impl Extension for Presync {
    fn new() -> Self {
        Self
    }

    /// The program that the settings name, else the one in `PATH`.
    fn language_server_command(
        &mut self,
        server: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Command> {
        let settings = LspSettings::for_worktree(server.as_ref(), worktree);
        let set = settings.ok().and_then(|settings| settings.binary?.path);
        let command = set.or_else(|| worktree.which("presync"));
        let command = command.ok_or(
            "presync is not in PATH: install it, or set `lsp.presync.binary.path` in the settings",
        )?;
        Ok(Command {
            command,
            args: vec!["lsp".to_owned()],
            env: worktree.shell_env(),
        })
    }
}

register_extension!(Presync);
