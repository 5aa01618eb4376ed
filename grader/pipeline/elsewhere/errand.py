"""A job on the machine that does it: from the object folder and into it, with nothing of the store."""

import msgspec

from grader.core.bucket import place_of
from grader.core.faults import IngestFault, NodeFault
from grader.execute.graph.provider import LOOKS
from grader.pipeline.classroom.job import Done, Job, work_from
from grader.pipeline.elsewhere.object_folder import ObjectFolder
from grader.sandbox.choose import warm_worker

SMALL = 16_384
"""Bytes below which a result travels with its job; a larger one stays in the folder until the driver takes
it.
"""


def work_elsewhere(job: Job) -> Done:
    """Do a job as `work` does it, for a driver on another machine.

    Raises IngestFault as `work` does, in the driver's own paths; NodeFault where this machine lost the
    folder, and the job is another's.
    """
    folder = ObjectFolder(place_of(job.folder))
    folder.must_be_there()
    if job.warm:
        warm_worker(LOOKS)
    try:
        done = _done(job, folder)
        for key, payload in done.record.payloads.items():
            folder.keep(key, payload)
    except OSError as fault:
        raise NodeFault(f"the object folder {job.folder} cannot be used there ({fault})") from fault
    finally:
        folder.must_be_there()
    large = {key for key, payload in done.record.payloads.items() if len(payload) > SMALL}
    small = {key: payload for key, payload in done.record.payloads.items() if key not in large}
    record = msgspec.structs.replace(done.record, payloads=small)
    return msgspec.structs.replace(done, record=record, left=tuple(sorted(large)))


def _done(job: Job, folder: ObjectFolder) -> Done:
    if not job.parcel:
        return work_from(job, folder)
    with folder.unpacked(job.parcel, job.paths) as places:
        moved = dict(zip(job.paths, places, strict=True))
        layout = msgspec.structs.replace(job.layout, typed=tuple(moved.get(p, p) for p in job.layout.typed))
        try:
            return work_from(msgspec.structs.replace(job, paths=places, layout=layout), folder)
        except IngestFault as fault:
            text = str(fault)
            for there, here in moved.items():
                text = text.replace(here, there)
            raise IngestFault(text) from fault
