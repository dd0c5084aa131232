"""The EC2 template: clean under cfn-lint, applied to moto's server, and as closed as it says.

What moto does not apply (versions and closing of a bucket, encryption of a volume, alarms) is read from the template.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto_server import moto_server
from test_shell_scripts import shellcheck

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "deploy" / "cloudformation.yaml"
GIVEN = {
    "RepositoryUrl": "https://git.example.com/reelsense.git",
    "GitRef": "v1.2.3",
    "DomainName": "films.example.com",
    "AlarmEmail": "operator@example.com",
}


class Cloud:
    """Clients of moto's server, and the stack's resources there."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.resources: dict[str, str] = {}
        self.outputs: dict[str, str] = {}

    def client(self, service: str) -> Any:
        facts = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "ap-northeast-2"}
        return boto3.client(service, endpoint_url=self._endpoint, **facts)

    def apply(self) -> None:
        client = self.client("cloudformation")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in GIVEN.items()]
        client.create_stack(
            StackName="films", TemplateBody=TEMPLATE.read_text(), Parameters=given, Capabilities=["CAPABILITY_IAM"]
        )
        stack = client.describe_stacks(StackName="films")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        self.outputs = {row["OutputKey"]: row["OutputValue"] for row in stack["Outputs"]}
        rows = client.describe_stack_resources(StackName="films")["StackResources"]
        self.resources = {
            row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows if "LogicalResourceId" in row
        }


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with moto_server() as address:
        made = Cloud(address)
        made.apply()
        yield made


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    """The template's resources, as cfn-lint reads them."""
    from cfnlint.decode.cfn_yaml import load

    return dict(load(str(TEMPLATE))["Resources"])


def test_cfn_lint_finds_nothing() -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "I", "--", str(TEMPLATE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_only_the_site_s_ports_are_open(cloud: Cloud) -> None:
    found = cloud.client("ec2").describe_security_groups(GroupIds=[cloud.resources["SecurityGroup"]])
    rules = found["SecurityGroups"][0]["IpPermissions"]
    assert sorted((rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) for rule in rules) == [
        (80, 80, "tcp"),
        (443, 443, "tcp"),
    ]


def test_the_bucket_is_versioned_encrypted_closed_and_cleared(cloud: Cloud, declared: dict[str, Any]) -> None:
    rules = cloud.client("s3").get_bucket_encryption(Bucket=cloud.outputs["BucketName"])
    encrypted = rules["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert encrypted["SSEAlgorithm"] == "AES256"
    bucket = declared["Bucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    policy = declared["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [(one["Effect"], one["Condition"]) for one in policy] == [
        ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    ]
    cleared = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert (cleared["backups"]["Prefix"], cleared["backups"]["ExpirationInDays"]) == ("backups/", 180)
    assert cleared["replaced-and-deleted"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert cleared["interrupted-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}


def test_the_role_reaches_one_bucket_one_path_of_secrets_and_nothing_more(cloud: Cloud) -> None:
    iam, role = cloud.client("iam"), cloud.resources["Role"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    statements = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        # moto hands out how Python writes it, which YAML reads as well as JSON.
        document = yaml.safe_load(document) if isinstance(document, str) else document
        statements += document["Statement"]
    reached: dict[str, set[str]] = {}
    for one in statements:
        assert one["Effect"] == "Allow"
        resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
        for action in one["Action"]:
            assert "*" not in action
            reached.setdefault(action.partition(":")[0], set()).update(resources)
    bucket = f"arn:aws:s3:::{cloud.outputs['BucketName']}"
    assert reached["s3"] == {bucket, f"{bucket}/*"}
    assert set(reached) == {"s3", "ssm", "ssmmessages", "ec2messages", "cloudwatch"}
    read = [one for one in statements if any("GetParameter" in action for action in one["Action"])]
    assert len(read) == 1
    assert all(":parameter/reelsense" in resource for resource in read[0]["Resource"])
    metrics = next(one for one in statements if one["Action"] == ["cloudwatch:PutMetricData"])
    assert metrics["Condition"] == {"StringEquals": {"cloudwatch:namespace": "reelsense"}}


def test_the_data_volume_is_encrypted_and_outlives_the_stack(cloud: Cloud, declared: dict[str, Any]) -> None:
    volume = cloud.client("ec2").describe_volumes(VolumeIds=[cloud.outputs["DataVolumeId"]])["Volumes"][0]
    assert volume["Size"] == 60
    asked = declared["DataVolume"]["Properties"]
    assert (asked["Encrypted"], asked["VolumeType"]) == (True, "gp3")
    disks = declared["Machine"]["Properties"]["BlockDeviceMappings"]
    assert [disk["Ebs"]["Encrypted"] for disk in disks] == [True]
    for name in ("DataVolume", "Bucket"):
        assert (declared[name]["DeletionPolicy"], declared[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_machine_gives_its_role_to_no_request_without_a_token(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=cloud.resources["MachineOptions"])
    options = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)


def test_alarms_tell_a_person(cloud: Cloud, declared: dict[str, Any]) -> None:
    alarms = [one["Properties"] for one in declared.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {alarm["MetricName"] for alarm in alarms}
    assert watched == {
        *("StatusCheckFailed_System", "StatusCheckFailed_Instance", "CPUUtilization", "CPUCreditBalance"),
        *("mem_used_percent", "disk_used_percent", "BackupDone"),
    }
    assert all({"Ref": "Alarms"} in alarm["AlarmActions"] for alarm in alarms)
    recovered = next(alarm for alarm in alarms if alarm["MetricName"] == "StatusCheckFailed_System")
    assert any(action.get("Fn::Sub", "").endswith(":ec2:recover") for action in recovered["AlarmActions"])
    told = cloud.client("sns").list_subscriptions_by_topic(TopicArn=cloud.resources["Alarms"])["Subscriptions"]
    assert [(one["Protocol"], one["Endpoint"]) for one in told] == [("email", "operator@example.com")]


def user_data(cloud: Cloud) -> str:
    import base64

    ec2, machine = cloud.client("ec2"), cloud.outputs["InstanceId"]
    encoded = ec2.describe_instance_attribute(InstanceId=machine, Attribute="userData")["UserData"]["Value"]
    text = base64.b64decode(encoded).decode()
    # moto encodes once more what came encoded.
    return text if text.startswith("#!") else base64.b64decode(text).decode()


def test_the_user_data_is_sound_and_holds_no_secret(cloud: Cloud, tmp_path: Path) -> None:
    text = user_data(cloud)
    assert "${" not in text
    script = tmp_path / "user-data.sh"
    script.write_text(text)
    subprocess.run(["bash", "-n", str(script)], check=True)
    done = subprocess.run([shellcheck(), str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert "PASSWORD" not in text
    assert f"BUCKET='{cloud.outputs['BucketName']}'" in text


class Machine:
    """A folder that stands for a machine's root; each command on PATH but the harmless ones only says it was called."""

    STUBS = ("dnf", "systemctl", "docker", "mkfs.xfs", "mount", "mountpoint", "blkid", "aws", "cfn-signal", "git")

    def __init__(self, root: Path, parameters: dict[str, str]) -> None:
        self.root, self.log = root, root / "log"
        for folder in ("etc/yum.repos.d", "dev/disk/by-id", "opt/aws/amazon-cloudwatch-agent/etc", "programs"):
            (root / folder).mkdir(parents=True)
        (root / "opt/aws/amazon-cloudwatch-agent/bin").mkdir()
        (root / "opt/reelsense").mkdir()
        (root / "opt/reelsense/deploy").symlink_to(ROOT / "deploy")
        (root / "etc/fstab").write_text("UUID=root / xfs defaults 0 1\n")
        (root / "etc/yum.repos.d/docker-ce.repo").write_text("baseurl=https://example.com/$releasever/stable\n")
        (root / "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc").write_text("")
        (root / "etc/reelsense-deploy").write_text(
            "STACK='films'\nREGION='ap-northeast-2'\nBUCKET='b'\nDOMAIN='films.example.com'\n"
            "SECRETS='/reelsense'\nREPOSITORY='https://git.example.com/r.git'\nREF='v1'\nVOLUME='vol-0abc'\n"
        )
        listed = [{"Name": f"/reelsense/{name}", "Value": value} for name, value in parameters.items()]
        (root / "parameters.json").write_text(json.dumps({"Parameters": listed}))
        answers = {
            "blkid": f'[ "$1" = -s ] && {{ echo 1234; exit 0; }}; [ -e "{root}/formatted" ]',
            "mkfs.xfs": f'touch "{root}/formatted"',
            "mountpoint": "exit 1",
            "aws": f'[ "$1" = ssm ] && cat "{root}/parameters.json"; true',
            "docker": '[ "$*" = "compose config --images" ] && printf "reelsense-api\\npostgres:15\\n"; true',
            "git": '[ "$1" = rev-parse ] && echo 0123456789ab; true',
        }
        agent = root / "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
        for path in [*(root / "programs" / name for name in self.STUBS), agent]:
            path.write_text(f'#!/bin/sh\necho "{path.name} $*" >> "{self.log}"\n{answers.get(path.name, "exit 0")}\n')
            path.chmod(0o755)

    def run(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"ROOT": str(self.root), "PATH": f"{self.root / 'programs'}:{os.environ['PATH']}"}
        path = self.root / "opt/reelsense/deploy" / script
        return subprocess.run(
            ["bash", str(path), *words], env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def steps(self, *names: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.split()[0] in names]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path, {"POSTGRES_PASSWORD": "pa$$ word#1", "AIRFLOW_ADMIN_PASSWORD": "x"})
    # The scripts go up from their own folder: a copy, so that .env lands in the machine.
    deploy = made.root / "opt/reelsense/deploy"
    deploy.unlink()
    deploy.mkdir()
    for path in (ROOT / "deploy").glob("*.sh"):
        (deploy / path.name).write_bytes(path.read_bytes())
    return made


def test_a_fresh_machine_is_set_up_in_order_and_twice_does_no_harm(machine: Machine) -> None:
    done = machine.run("set-up.sh")
    assert done.returncode == 0, done.stderr
    order = [line.split()[0] for line in machine.log.read_text().splitlines()]
    steps = ["dnf", "mkfs.xfs", "mount", "systemctl", "amazon-cloudwatch-agent-ctl", "aws", "docker"]
    assert [order.index(step) for step in steps] == sorted(order.index(step) for step in steps)
    assert machine.steps("docker")[-1] == "docker compose up -d --wait --remove-orphans"
    assert "docker tag reelsense-api reelsense-api:0123456789ab" in machine.steps("docker")
    assert machine.steps("systemctl")[-1] == "systemctl enable --now reelsense-backup.timer"
    assert "/9/stable" in (machine.root / "etc/yum.repos.d/docker-ce.repo").read_text()
    json.loads((machine.root / "etc/docker/daemon.json").read_text())
    agent = json.loads((machine.root / "opt/aws/amazon-cloudwatch-agent/etc/reelsense.json").read_text())
    assert agent["metrics"]["namespace"] == "reelsense"

    assert machine.run("set-up.sh").returncode == 0
    assert len(machine.steps("mkfs.xfs")) == 1
    assert (machine.root / "etc/fstab").read_text().count(" /data ") == 1


def test_the_secrets_become_env_for_the_owner_alone_and_are_not_printed(machine: Machine) -> None:
    done = machine.run("write-env.sh")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    env = machine.root / "opt/reelsense/.env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    from dotenv import dotenv_values

    values = dotenv_values(env)
    assert values["POSTGRES_PASSWORD"] == "pa$$ word#1"
    assert values["REELSENSE_BACKUP__TO"] == "s3://b/backups"
    assert values["PUBLIC_ADDRESS"] == "https://films.example.com"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "no SSM parameter"),
        ({"A": "it's"}, "no quote"),
        ({"A": "a\nB=c"}, "line break"),
        ({"a-b": "c"}, "capitals"),
    ],
)
def test_secrets_that_can_t_be_written_leave_the_old_env(
    machine: Machine, parameters: dict[str, str], said: str
) -> None:
    env = machine.root / "opt/reelsense/.env"
    env.write_text("OLD=1\n")
    listed = [{"Name": f"/reelsense/{name}", "Value": value} for name, value in parameters.items()]
    (machine.root / "parameters.json").write_text(json.dumps({"Parameters": listed}))
    done = machine.run("write-env.sh")
    assert done.returncode != 0
    assert said in done.stderr
    assert env.read_text() == "OLD=1\n"
    assert not list(env.parent.glob(".env.*"))


def test_an_upgrade_backs_up_before_anything_changes(machine: Machine) -> None:
    assert machine.run("upgrade.sh", "v2").returncode == 0
    steps = machine.steps("git", "docker", "aws")
    backed_up = steps.index("docker compose run --rm backup")
    assert steps[backed_up + 1].startswith("aws cloudwatch put-metric-data")
    assert backed_up < steps.index("git checkout -q --detach 0123456789ab") < len(steps) - 1
    assert steps[-1] == "docker compose up -d --wait --remove-orphans"
    (machine.root / "programs/docker").write_text("#!/bin/sh\nexit 1\n")
    machine.log.unlink()
    assert machine.run("upgrade.sh", "v3").returncode != 0
    assert not [step for step in machine.steps("git", "aws") if "checkout" in step or "put-metric" in step]
