;; Run by heavy.py in a folder with the large site: what people do in Emacs, without a screen.
(require 'eglot)
(define-derived-mode presync-mode prog-mode "Presync")
(add-to-list 'auto-mode-alist '("\\.presync\\'" . presync-mode))
(add-to-list 'eglot-server-programs (list 'presync-mode (getenv "PRESYNC") "lsp"))
;; Nobody answers here.
(fset 'y-or-n-p (lambda (&rest _) t))
(setq eglot-sync-connect 20 eglot-confirm-server-initiated-edits nil)

(defun check (holds message)
  (unless holds
    (princ (format "failed: %s\n" message))
    (kill-emacs 1)))

(defun wait-for (condition message)
  (let ((left 200))
    (while (and (> left 0) (not (funcall condition)))
      (accept-process-output nil 0.1)
      (setq left (1- left)))
    (check (funcall condition) message)))

(defun problems ()
  (flymake-diagnostics))

(find-file "large-site.presync")
(check (eq major-mode 'presync-mode) "mode")
(apply #'eglot--connect (eglot--guess-contact))
(flymake-mode 1)
(wait-for (lambda () (eglot-current-server)) "no server")

;; See a problem.
(goto-char (point-min))
(search-forward "cic away                -> lync Away")
(replace-match "cic away                -> lync Awya" t t)
(eglot--signal-textDocument/didChange)
(flymake-start)
(wait-for #'problems "no problem is shown")
(princ (format "problem: %s\n" (car (split-string (flymake-diagnostic-text (car (problems))) "\n"))))
(replace-string "Awya" "Away" nil (point-min) (point-max))
(eglot--signal-textDocument/didChange)
(flymake-start)
(wait-for (lambda () (not (problems))) "the problem stays")

;; Hover and completion.
(goto-char (point-min))
(search-forward "cic gone")
(backward-char 2)
(let ((hover (jsonrpc-request (eglot--current-server-or-lose) :textDocument/hover (eglot--TextDocumentPositionParams))))
  (check (string-match-p "group cic.gone" (plist-get (plist-get hover :contents) :value)) hover))
(search-forward "-> lync ")
(let* ((answer (jsonrpc-request (eglot--current-server-or-lose) :textDocument/completion (eglot--TextDocumentPositionParams)))
       (labels (mapcar (lambda (item) (plist-get item :label)) (plist-get answer :items))))
  (check (member "Be Right Back" labels) labels))

;; Rename a group across files.
(search-backward "gone")
(eglot-rename "elsewhere")
(save-some-buffers t)
(wait-for (lambda () (not (problems))) "the rename leaves problems")

;; Run a test.
(let ((result (eglot-execute-command (eglot--current-server-or-lose) "presync.runTest"
                (vector (list :uri (eglot--path-to-uri buffer-file-name) :name "presence is followed")))))
  (check (eq (plist-get result :passed) t) result)
  (princ (format "test: %s\n" (plist-get result :summary))))

;; Format.
(goto-char (point-min))
(insert "flag   never\n")
(eglot--signal-textDocument/didChange)
(eglot-format-buffer)
(goto-char (point-min))
(check (looking-at "flag never$") (buffer-substring (point-min) (+ 20 (point-min))))
(princ "passed\n")
(set-buffer-modified-p nil)
(kill-emacs 0)
