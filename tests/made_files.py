"""Files that tests make: the smallest ones that programs write."""

from __future__ import annotations

import mailbox
from email.message import EmailMessage
from pathlib import Path


def pdf(*pages: str) -> bytes:
    """The smallest PDF with these lines, one on each page."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, page in enumerate(pages):
        content = f"BT /F1 12 Tf 72 720 Td ({page}) Tj ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)


def docx(file: Path, *sections: tuple[str, str]) -> None:
    """A Word document of headings with a paragraph each."""
    from docx import Document

    made = Document()
    for heading, text in sections:
        made.add_heading(heading, 1)
        made.add_paragraph(text)
    made.save(str(file))


def mbox(file: Path, *letters: tuple[str, str]) -> None:
    """Letters of Ann, by subject and text."""
    box = mailbox.mbox(file)
    for subject, text in letters:
        message = EmailMessage()
        message["From"], message["Subject"], message["Date"] = (
            "Ann <ann@example.org>",
            subject,
            "1 Mar 2026 10:00 +0000",
        )
        message.set_content(text)
        box.add(message)
    box.close()
